import type { App, Session } from 'electron'
import { pageUrl } from './page-protocol.ts'

/** What no page of this app may do, whatever it contains: go elsewhere, open a window, hold a view of another page, use a device or a sensor. */
export function guard(app: App): void {
  app.on('web-contents-created', (_created, contents) => {
    contents.on('will-navigate', (event) => {
      if (event.url.split(/[?#]/, 1)[0] !== pageUrl) event.preventDefault()
    })
    contents.on('will-redirect', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
  })
}

/** Copying and guarded pasting are the only permissions that the window has; there is nothing to ask a person about. */
const granted = new Set(['clipboard-read', 'clipboard-sanitized-write'])

export function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, decide) => decide(granted.has(permission)))
  session.setPermissionCheckHandler((_contents, permission) => granted.has(permission))
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event) => event.preventDefault())
}
