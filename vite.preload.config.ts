import { join } from 'node:path'
import { defineConfig } from 'vite'
import { noteShippedPackages } from './scripts/shipped-packages.ts'

/** The bridge: one CommonJS file, as a sandboxed preload must be. */
export default defineConfig({
  plugins: [noteShippedPackages('preload')],
  build: {
    outDir: join(import.meta.dirname, 'out/preload'),
    emptyOutDir: true,
    // Never packaged: it says what a bundle is made of, and reads a stack of a package.
    sourcemap: 'hidden',
    target: 'chrome140',
    minify: false,
    lib: { entry: join(import.meta.dirname, 'preload/preload.ts'), formats: ['cjs'], fileName: () => 'preload.cjs' },
    rolldownOptions: { external: ['electron'] },
  },
})
