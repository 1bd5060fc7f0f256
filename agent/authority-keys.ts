import { join } from 'node:path'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { authorityKeysAt, maxAuthorityStatements, pinnedAuthority } from '@gantry/shared/authority-keys.ts'
import { followAuthority } from '@gantry/shared/node/authority-keys.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { CompactJws, type Hash, type PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { auditOnce } from './audit-once.ts'
import type { Log } from './log.ts'
import { readTwin, writeTwin } from './state-file.ts'

/**
 * The specialist authority's key: the one that was pinned at enrolment, and whichever followed it by its own signature (decision 30). What was followed is kept twice, and followed again from the
 * pinned key at each start; where both copies are lost no key counts until the main server sends the statements again, since the pinned one may be a key that was taken back.
 */
export type AuthorityKeysStore = {
  /** It alone signs rosters and lists; null while that is lost. */
  newest(): PublicJwk | null
  isNewest(key: PublicJwk): boolean
  /** Under which a certificate counts at a moment (Unix seconds). */
  counting(now: number): readonly PublicJwk[]
  /** All that ever counted here: what this device had accepted under one of them before. */
  known(): readonly PublicJwk[]
  /** For the poll: from where on it can follow. */
  told(): { key: Hash; number: number }
  /** Follows what it can, or audits once that it could not. Never throws: what else a poll brings must not wait for it. */
  accept(statements: readonly CompactJws[]): Promise<void>
}

const File = z.strictObject({ version: z.literal(1), statements: z.array(CompactJws).min(1).max(maxAuthorityStatements) })

export type AuthorityKeysWith = {
  stateDir: string
  /** As pinned at enrolment. */
  authorityKey: PublicJwk
  onLost: (what: string) => void
  audit: (event: NewDeviceEvent) => unknown
  log: Log
}

export async function openAuthorityKeys({ stateDir, authorityKey, onLost, audit, log }: AuthorityKeysWith): Promise<AuthorityKeysStore> {
  const path = join(stateDir, 'authority-keys.json')
  const kept = readKept(path, onLost)
  const pinned = pinnedAuthority(authorityKey)
  let { known, followed } = await followAuthority(pinned, kept ?? [])
  // One that leads nowhere would leave the pinned key, or another that was replaced, as the newest.
  let isLost = followed.length !== kept?.length
  if (isLost) [known, followed] = [pinned, []]
  if (isLost && kept) onLost('authority-keys.json')
  const refuse = auditOnce(audit)

  /** What was taken back is taken back also where the disk is full; after a restart it comes again. */
  const keep = () => {
    try {
      writeTwin(path, { version: 1, statements: followed.slice(-maxAuthorityStatements) })
    } catch (error) {
      log.warn({ reason: String(error) }, 'change of the authority’s key not kept')
    }
  }
  return {
    newest: () => (isLost ? null : known.keys[0].key),
    isNewest: (key) => !isLost && thumbprint(key) === thumbprint(known.keys[0].key),
    counting: (now) => (isLost ? [] : authorityKeysAt(known, now)),
    known: () => (isLost ? [] : known.keys.map(({ key }) => key)),
    told: () => ({ key: thumbprint(known.keys[0].key), number: known.number }),
    async accept(statements) {
      const after = await followAuthority(known, statements)
      if (after.followed.length === 0) {
        const data = { statements: statements.length, key: thumbprint(known.keys[0].key) }
        return refuse(statements.join(' '), { kind: 'authority-keys.refused', actor: { kind: 'agent' }, data })
      }
      known = after.known
      followed = [...followed, ...after.followed]
      isLost = false
      keep()
      const [newest, before] = known.keys
      const ends = before ? { before: thumbprint(before.key), until: before.until } : {}
      const data = { number: known.number, key: thumbprint(newest.key), ...ends, ...(known.next === null ? {} : { next: known.next }) }
      audit({ kind: 'authority-keys.accepted', actor: { kind: 'authority' }, data })
    },
  }
}

/** What lies on the disk is followed again from the pinned key: the disk is not the authority. Null where both copies are bad. */
function readKept(path: string, onLost: (what: string) => void): readonly CompactJws[] | null {
  try {
    return readTwin({ path, schema: File, onLost })?.statements ?? []
  } catch {
    onLost('authority-keys.json')
    return null
  }
}

/** Under which of these keys it holds, and what it says; null for none. */
export async function signerOf<T>(
  jws: CompactJws,
  keys: readonly PublicJwk[],
  check: (jws: CompactJws, key: PublicJwk) => Promise<T>,
): Promise<{ payload: T; key: PublicJwk } | null> {
  for (const key of keys) {
    const payload = await check(jws, key).catch(() => null)
    if (payload !== null) return { payload, key }
  }
  return null
}
