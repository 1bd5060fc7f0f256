import { join } from 'node:path'
import { defineConfig } from 'vite'
import { noteShippedPackages } from './scripts/shipped-packages.ts'

/**
 * Electron's main process. What stays outside is what electron-builder ships under node_modules: electron-log, and keytar and ssh2 for their native parts
 * (ssh2 also reads its own folder at run time).
 */
export default defineConfig({
  plugins: [noteShippedPackages('main')],
  build: {
    ssr: join(import.meta.dirname, 'main/electron/main.ts'),
    outDir: join(import.meta.dirname, 'out/main'),
    emptyOutDir: true,
    // Never packaged: it says what a bundle is made of, and reads a stack of a package.
    sourcemap: 'hidden',
    target: 'node24',
    minify: false,
    rolldownOptions: {
      external: ['electron', 'keytar', 'ssh2', /^electron-log(\/|$)/],
      output: { format: 'cjs', entryFileNames: 'main.cjs', codeSplitting: false },
    },
  },
  ssr: { noExternal: true, external: ['electron', 'keytar', 'ssh2', 'electron-log'] },
})
