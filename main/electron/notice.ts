import { type BrowserWindow, Notification } from 'electron'
import type { SystemNotice } from '../services/services.ts'

/** A notice of the system; pressing it brings the window to the front. Where the system has none nothing is shown. */
export function showNotice({ title, body, silent }: SystemNotice, windowOf: () => BrowserWindow | undefined): void {
  if (!Notification.isSupported()) return
  const notice = new Notification({ title, body, silent })
  notice.on('click', () => {
    const window = windowOf()
    if (window?.isMinimized()) window.restore()
    window?.focus()
  })
  notice.show()
}
