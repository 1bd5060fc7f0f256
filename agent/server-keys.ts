import { join } from 'node:path'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { checkServerKeys } from '@gantry/shared/node/server-keys.ts'
import { type TicketKeys, ticketKeysAt } from '@gantry/shared/server-keys.ts'
import { CompactJws, type Hash, type PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { auditOnce } from './audit-once.ts'
import { type AuthorityKeysStore, signerOf } from './authority-keys.ts'
import type { Log } from './log.ts'
import { readTwin, writeTwin } from './state-file.ts'

/**
 * Which of the servers' keys count here: those that were pinned at enrolment, until the authority's first list arrives, and that list's from then on. Its number never steps back,
 * so it is kept twice; where both copies are lost no ticket key counts until the main server, asked for number 0, sends the list again.
 */
export type ServerKeysStore = {
  /** Of the list that the authority's newest key has signed; 0 for none. */
  number(): number
  ticketKeys: TicketKeys
  /** SHA-256 of the device CAs, the newest first; empty before the first list. */
  deviceCas(): readonly Hash[]
  /** SHA-256 of server certificates that count no more. */
  revoked(): readonly Hash[]
  /** Takes a list over, or audits once why not. Never throws: what else a poll brings, such as an end, must not wait for it. */
  accept(jws: CompactJws): Promise<void>
}

const File = z.strictObject({ version: z.literal(1), number: z.number().int().positive(), list: CompactJws })

export type ServerKeysWith = {
  stateDir: string
  authority: Pick<AuthorityKeysStore, 'newest' | 'isNewest' | 'known'>
  /** As pinned at enrolment. */
  ticketKey: PublicJwk
  onLost: (what: string) => void
  audit: (event: NewDeviceEvent) => unknown
  log: Log
}

/** What lies on the disk is checked again: the disk is not the authority. As with a roster, a new list counts under the authority's newest key alone. */
export async function openServerKeys({ stateDir, authority, ticketKey, onLost, audit, log }: ServerKeysWith): Promise<ServerKeysStore> {
  const path = join(stateDir, 'server-keys.json')
  const kept = readKept(path, onLost)
  let signed = kept && kept !== 'lost' ? await signerOf(kept.list, authority.known(), checkServerKeys) : null
  const isOfNewest = () => signed !== null && authority.isNewest(signed.key)
  const pinned = kept === null ? [ticketKey] : []
  let least = kept && kept !== 'lost' ? kept.number : 0
  const refuse = auditOnce(audit)

  /** What is retired is retired also where the disk is full; after a restart the list comes again. */
  const keep = (file: z.infer<typeof File>) => {
    try {
      writeTwin(path, file)
    } catch (error) {
      log.warn({ reason: String(error) }, 'list of the servers’ keys not kept')
    }
  }
  const take = async (jws: CompactJws) => {
    const key = authority.newest()
    if (!key) throw new AppError('server.keys-bad')
    const next = await checkServerKeys(jws, key)
    if (signed && !isOfNewest()) least = 0
    if (next.number < least) throw new AppError('server.keys-stale', { details: { number: next.number, least } })
    if (isOfNewest() && next.number === signed?.payload.number) return
    signed = { payload: next, key }
    least = next.number
    keep({ version: 1, number: next.number, list: jws })
    const data = { number: next.number, ticketKeys: next.ticketKeys.length, revoked: next.revoked.length }
    audit({ kind: 'server-keys.accepted', actor: { kind: 'authority' }, data })
  }
  return {
    number: () => (isOfNewest() ? (signed?.payload.number ?? 0) : 0),
    ticketKeys: (now) => (signed ? ticketKeysAt(signed.payload, now) : pinned),
    deviceCas: () => signed?.payload.deviceCas ?? [],
    revoked: () => signed?.payload.revoked ?? [],
    async accept(jws) {
      try {
        await take(jws)
      } catch (error) {
        refuse(jws, { kind: 'server-keys.refused', actor: { kind: 'agent' }, data: { ...toFailure(error).details, code: toFailure(error).code } })
      }
    },
  }
}

function readKept(path: string, onLost: (what: string) => void): z.infer<typeof File> | 'lost' | null {
  try {
    return readTwin({ path, schema: File, onLost })
  } catch {
    onLost('server-keys.json')
    return 'lost'
  }
}
