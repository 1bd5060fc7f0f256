import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '@gantry/shared/ipc.ts'
import { app, BrowserWindow, nativeTheme, screen } from 'electron'
import { z } from 'zod'
import { pageUrl } from './page-protocol.ts'
import { webPreferences } from './web-preferences.ts'

const WindowState = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number(), isMaximized: z.boolean() })
type WindowState = z.infer<typeof WindowState>

/** The least window of the design; the bar's height is `--bar` of tokens.css. */
const least = { width: 720, height: 560 }
const usual = { width: 1440, height: 900 }
const barHeight = 40

export function openWindow(folder: string, theme: Settings['theme']): BrowserWindow {
  const stateFile = join(folder, 'window.json')
  const state = readState(stateFile)
  nativeTheme.themeSource = themeSource(theme)
  const window = new BrowserWindow({
    ...usual,
    ...(state && isOnScreen(state) ? { x: state.x, y: state.y, width: state.width, height: state.height } : {}),
    minWidth: least.width,
    minHeight: least.height,
    show: false,
    title: 'Gantry',
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#101617' : '#f5f7f6',
    titleBarStyle: 'hidden',
    ...(process.platform === 'darwin' ? {} : { titleBarOverlay: overlay() }),
    webPreferences: {
      sandbox: true,
      contextIsolation: true,
      ...webPreferences({ preload: join(import.meta.dirname, '../preload/preload.cjs'), isPackaged: app.isPackaged, argv: process.argv }),
    },
  })
  if (state?.isMaximized) window.maximize()
  window.once('ready-to-show', () => window.show())
  window.on('close', () => writeState(stateFile, { ...window.getNormalBounds(), isMaximized: window.isMaximized() }))
  void window.loadURL(pageUrl)
  return window
}

/** The system's own parts (menus, window buttons, scroll bars) follow the theme that was chosen in the window. */
export function followTheme(window: BrowserWindow, theme: Settings['theme']): void {
  nativeTheme.themeSource = themeSource(theme)
  if (process.platform !== 'darwin') window.setTitleBarOverlay(overlay())
}

function themeSource(theme: Settings['theme']): 'system' | 'light' | 'dark' {
  return theme === 'contrast' ? 'dark' : theme
}

function overlay(): { color: string; symbolColor: string; height: number } {
  const isDark = nativeTheme.shouldUseDarkColors
  return { color: isDark ? '#0b1011' : '#e6ebe9', symbolColor: isDark ? '#b4c1bf' : '#3f504d', height: barHeight - 1 }
}

/** A state that is missing or damaged is no state: the window opens at its usual size. */
function readState(file: string): WindowState | null {
  try {
    return WindowState.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

function writeState(file: string, state: WindowState): void {
  try {
    writeFileSync(file, JSON.stringify(state), { mode: 0o600 })
  } catch {
    // Only the window's place is lost.
  }
}

/** The screen it was on may have been unplugged. */
function isOnScreen({ x, y, width }: WindowState): boolean {
  return screen
    .getAllDisplays()
    .some(
      ({ workArea }) => x + width > workArea.x + 100 && x < workArea.x + workArea.width - 100 && y >= workArea.y - 8 && y < workArea.y + workArea.height - 100,
    )
}
