import type { WebPreferences } from 'electron'

/**
 * Each one is said, also where it is Electron's default: a default has changed before. The two on which the others rest, `sandbox` and `contextIsolation`, stand where the
 * window is made, for whoever reads that, person or scanner. DevTools are for development, and would show a package's every call.
 */
export function webPreferences({ preload, isPackaged, argv }: { preload: string; isPackaged: boolean; argv: readonly string[] }): WebPreferences {
  return {
    preload,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    devTools: !isPackaged && !argv.includes('--no-devtools'),
  }
}
