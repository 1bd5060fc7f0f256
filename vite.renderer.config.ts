import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { noteShippedPackages } from './scripts/shipped-packages.ts'
import { noncePlaceholder } from './shared/content-policy.ts'

/** The window. `development.html` is the browser host's page: the same, with a bridge over a loopback WebSocket; it is never packaged. */
export default defineConfig({
  root: join(import.meta.dirname, 'renderer'),
  base: './',
  plugins: [react(), noteShippedPackages('renderer')],
  html: { cspNonce: noncePlaceholder },
  build: {
    outDir: join(import.meta.dirname, 'out/renderer'),
    emptyOutDir: true,
    // Never packaged: it says what a bundle is made of, and reads a stack of a package.
    sourcemap: 'hidden',
    target: 'chrome140',
    // A data: font or script would need a wider policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_500,
    rolldownOptions: {
      input: { index: join(import.meta.dirname, 'renderer/index.html'), development: join(import.meta.dirname, 'renderer/development.html') },
    },
  },
})
