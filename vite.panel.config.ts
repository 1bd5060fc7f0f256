import { join } from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { noncePlaceholder } from './shared/content-policy.ts'

/** The front panel's page, as the device's kiosk or the sandbox shows it. */
export default defineConfig({
  root: join(import.meta.dirname, 'agent/panel/page'),
  base: './',
  plugins: [react()],
  html: { cspNonce: noncePlaceholder },
  build: {
    outDir: join(import.meta.dirname, 'out/panel'),
    emptyOutDir: true,
    target: 'chrome140',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1_500,
  },
})
