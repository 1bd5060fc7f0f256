import type { AccessApi } from '@gantry/shared/access-api.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import { type ErrorCode, toFailure } from '@gantry/shared/errors.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { BulletinBoard } from './bulletin.ts'
import type { Fleet } from './fleet.ts'

export type BeatTools = {
  fleet: Fleet
  bulletins: BulletinBoard
  serverKeys: () => CompactJws | null
  /** How the authority's key came to be another one. */
  authorityKeys: () => readonly CompactJws[]
  append: (event: NewAuditEvent) => void
  now: () => number
}

/** Anybody may send a beat, so a refusal is written once a minute and code, with the number of those before it. */
const windowMs = 60_000

export function createBeatHandlers({ fleet, bulletins, serverKeys, authorityKeys, append, now }: BeatTools): Handlers<AccessApi, { address: string }> {
  const written = new Map<ErrorCode, { atMs: number; unwritten: number }>()

  const noteRefusal = (error: unknown, address: string) => {
    const { code, details } = toFailure(error)
    const last = written.get(code)
    if (last && now() - last.atMs < windowMs) {
      last.unwritten += 1
      return
    }
    written.set(code, { atMs: now(), unwritten: 0 })
    append({ kind: 'access-server.refused', actor: { kind: 'unknown' }, data: { code, address, before: last?.unwritten ?? 0, ...details } })
  }

  return {
    async 'access-server.beat'({ beat }, { address }) {
      try {
        await fleet.hear(beat)
      } catch (error) {
        noteRefusal(error, address)
        throw error
      }
      const keys = serverKeys()
      const statements = [...authorityKeys()]
      return { bulletin: await bulletins.current(), ...(keys ? { serverKeys: keys } : {}), ...(statements.length > 0 ? { authorityKeys: statements } : {}) }
    },
  }
}
