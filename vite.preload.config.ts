import { join } from 'node:path'
import { defineConfig } from 'vite'

/** The bridge: one CommonJS file, as a sandboxed preload must be. */
export default defineConfig({
  build: {
    outDir: join(import.meta.dirname, 'out/preload'),
    emptyOutDir: true,
    target: 'chrome140',
    minify: false,
    lib: { entry: join(import.meta.dirname, 'preload/preload.ts'), formats: ['cjs'], fileName: () => 'preload.cjs' },
    rolldownOptions: { external: ['electron'] },
  },
})
