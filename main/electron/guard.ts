import type { App, Session, WebContents } from 'electron'
import { isOurAddress, isOurOrigin } from './page-protocol.ts'

/** What no page of this app may do, whatever it contains: go elsewhere, open a window, hold a view of another page, use a device or a sensor. */
export function guard(app: Pick<App, 'on'>): void {
  app.on('web-contents-created', (_created, contents) => {
    contents.on('will-navigate', (event) => {
      if (!mayNavigate(event)) event.preventDefault()
    })
    contents.on('will-frame-navigate', (event) => {
      if (!mayNavigate(event)) event.preventDefault()
    })
    contents.on('will-redirect', (event) => event.preventDefault())
    contents.on('will-attach-webview', (event) => event.preventDefault())
    contents.setWindowOpenHandler(() => ({ action: 'deny' }))
    // Unanswered, Electron pairs with the first device that it finds.
    contents.on('select-bluetooth-device', (event, _devices, choose) => {
      event.preventDefault()
      choose('')
    })
  })
}

/** Only the window itself, and only to its own page: that is a reload. Our page has no frames. */
export function mayNavigate({ url, isMainFrame }: { url: string; isMainFrame: boolean }): boolean {
  return isMainFrame && isOurAddress(url)
}

/** Copying and guarded pasting are the only permissions that the window has; there is nothing to ask a person about. */
const granted = new Set(['clipboard-read', 'clipboard-sanitized-write'])

/** `from`: the address or the origin of who asks, as Electron gives it; none where it is no document. */
export type Ask = { permission: string; from: string | undefined; isMainFrame: boolean }

export function grants({ permission, from, isMainFrame }: Ask): boolean {
  return granted.has(permission) && isMainFrame && from !== undefined && isOurOrigin(from)
}

/** Also refused by having no handler at all: the picture of the screen (`getDisplayMedia`), protected USB classes. */
export function guardSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, decide, { requestingUrl: from, isMainFrame }) =>
    decide(grants({ permission, from, isMainFrame })),
  )
  session.setPermissionCheckHandler((_contents: WebContents | null, permission, from, { isMainFrame }) => grants({ permission, from, isMainFrame }))
  session.setDevicePermissionHandler(() => false)
  session.on('will-download', (event) => event.preventDefault())
}
