import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Hash } from '@gantry/shared/ticket.ts'

/** What a device refuses comes again with every poll: the audit says so once, until something else comes. */
export function auditOnce(audit: (event: NewDeviceEvent) => unknown): (text: string, event: NewDeviceEvent) => void {
  let last: Hash | null = null
  return (text, event) => {
    const mark = sha256(text)
    if (mark === last) return
    last = mark
    audit(event)
  }
}
