import { hkdfSync, randomBytes } from 'node:crypto'
import type { BulletinPayload } from '@gantry/shared/access-api.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { bulletinMark } from '@gantry/shared/node/bulletin.ts'
import { newNonce, type SigningKey, signJws } from '@gantry/shared/node/signing.ts'
import type { CompactJws, Hash } from '@gantry/shared/ticket.ts'
import type { Database } from '../database.ts'
import { devicesWithSomethingWaiting } from './store.ts'

/** What the access servers hand to devices that cannot reach us: signed, read only, and readable for each device alone (`shared/access-api.ts`). */
export type BulletinBoard = {
  /** At most `sameForMs` old. */
  current(): Promise<CompactJws>
  /** The key by which this device finds its own mark, told to it in its polls. Another certificate, another key. */
  keyOf(device: { id: DeviceId; thumbprint: string }): Hash
}

export type BulletinTools = { db: Database; ticketKey: () => SigningKey; secret: string; now: () => number }

const sameForMs = 1_500
const fewestMarks = 16

export function createBulletinBoard({ db, ticketKey, secret, now }: BulletinTools): BulletinBoard {
  let newest: { atMs: number; jws: Promise<CompactJws> } | null = null

  const keyOf: BulletinBoard['keyOf'] = ({ id, thumbprint }) => {
    return Buffer.from(hkdfSync('sha256', secret, '', `gantry bulletin key ${id} ${thumbprint}`, 32)).toString('base64url')
  }
  const make = async (): Promise<CompactJws> => {
    const salt = newNonce()
    const marks = (await devicesWithSomethingWaiting(db)).map((device) => bulletinMark(keyOf(device), salt))
    const payload: BulletinPayload = { version: 1, issuedAt: Math.floor(now() / 1_000), salt, marks: fillUp(marks) }
    return signJws('bulletin', payload, ticketKey())
  }
  return {
    keyOf,
    current() {
      if (newest && now() - newest.atMs < sameForMs) return newest.jws
      const jws = make()
      newest = { atMs: now(), jws }
      // One that failed is no answer for the next.
      jws.catch(() => {
        newest = null
      })
      return jws
    },
  }
}

/** To a power of two with chance, in no order but their own, so that neither number nor place tells anything. */
function fillUp(marks: string[]): string[] {
  const size = 2 ** Math.ceil(Math.log2(Math.max(fewestMarks, marks.length)))
  const chance = Array.from({ length: size - marks.length }, () => randomBytes(16).toString('base64url'))
  return [...marks, ...chance].sort()
}
