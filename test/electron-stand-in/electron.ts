import { app } from './app.ts'
import { BrowserWindow } from './browser-window.ts'
import { dialog, Menu, Notification, nativeTheme, powerMonitor, screen, shell } from './desktop.ts'
import { nativeImage } from './drags.ts'
import { ipcMain } from './ipc-main.ts'
import { protocol } from './schemes.ts'
import { session } from './session.ts'
import { strict } from './strict.ts'
import { webContents } from './web-contents.ts'

/** The module `electron` of the main process: what is listed here and, of it, what each file has; anything else stops the process by name. */
const electron = strict('electron', {
  ...{ app, BrowserWindow, dialog, ipcMain, Menu, nativeImage, nativeTheme, Notification, powerMonitor, protocol, screen, session, shell, webContents },
  // What a bundler asks of a module that it did not bundle.
  __esModule: undefined,
  default: undefined,
})

export { electron as 'module.exports' }
