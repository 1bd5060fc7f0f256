import type { IpcMainInvokeEvent, WebContents } from 'electron'
import { isOurAddress } from './page-protocol.ts'

/**
 * True for our page in the main frame of our window. A renderer that was taken over can speak for any of its frames, and another window of this process would
 * have the same bridge: so the frame, the window and the address must each be the one.
 */
export function isOurSender({ sender, senderFrame: frame }: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>, window: WebContents | null): boolean {
  if (!window || window.isDestroyed() || sender !== window) return false
  if (!frame || frame.detached || frame.parent !== null) return false
  return frame.frameTreeNodeId === window.mainFrame.frameTreeNodeId && isOurAddress(frame.url)
}
