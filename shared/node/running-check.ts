import { createCipheriv } from 'node:crypto'
import type { CheckKey } from '../files.ts'

/**
 * Whether what one end read is what the other end wrote: GMAC (NIST SP 800-38D) under a key that was drawn for this one file and sent over the files leg.
 * Both ends run it over each octet once, in order, as it goes to the disk or comes from it, also when the file takes several legs. Two files that differ
 * get the same tag by chance in one of 2^100 cases at 1 TiB, and on purpose only by somebody who has the key, which is one of the two ends.
 * It runs at 4 to 8 GB/s on one core; SHA-256 without the processor's help at 0.2 (decision 0013). It is no fingerprint: the audit keeps SHA-256.
 */
export type RunningCheck = {
  /** The octets 0 to here are covered. */
  readonly position: number
  /** Octets from `at` on; those before `position` are covered already. False, and nothing is covered, where some between are missing. */
  add(octets: Uint8Array, at: number): boolean
  /** Ends it. */
  tag(): string
}

const noNonce = Buffer.alloc(12)

export function createRunningCheck(key: CheckKey): RunningCheck {
  // The nonce may be anything once: the key serves for one message (section 8.2 asks that no pair of them comes twice).
  const gmac = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64url'), noNonce)
  let position = 0
  let tag: string | null = null
  return {
    get position() {
      return position
    },
    add(octets, at) {
      if (at > position || tag !== null) return false
      const fresh = octets.subarray(position - at)
      if (fresh.length === 0) return true
      gmac.setAAD(fresh)
      position += fresh.length
      return true
    },
    tag() {
      if (tag === null) {
        gmac.final()
        tag = gmac.getAuthTag().toString('base64url')
      }
      return tag
    },
  }
}
