import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { checkRoster } from '@gantry/shared/node/ticket.ts'
import { CompactJws, type RosterPayload } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { type AuthorityKeysStore, signerOf } from './authority-keys.ts'
import { readTwin, writeTwin } from './state-file.ts'

/** The authority's list of certified people, as this device last accepted it. Its number never steps back, so it is kept twice. */
export type RosterStore = {
  current(): RosterPayload | null
  /** Of the one that the authority's newest key has signed; 0 for none. */
  number(): number
  /** Returns the roster when it is newer, null for the one that is there already. Throws `access.roster-missing` (not the authority's), `access.roster-stale` (older). */
  accept(content: string): Promise<RosterPayload | null>
}

const File = z.strictObject({ version: z.literal(1), number: z.number().int().positive(), roster: CompactJws })

export type RosterStoreWith = { stateDir: string; authority: Pick<AuthorityKeysStore, 'newest' | 'isNewest' | 'known'>; onLost: (what: string) => void }

/**
 * What lies on the disk is checked again: the disk is not the authority. A new roster counts under the authority's newest key alone, which signs all of them from its first day on; so who stole the key before
 * it makes none, and no number of theirs stands in the way.
 */
export async function openRosterStore({ stateDir, authority, onLost }: RosterStoreWith): Promise<RosterStore> {
  const path = join(stateDir, 'roster.json')
  const kept = readKept(path, onLost)
  let current = kept && (await signerOf(kept.roster, authority.known(), checkRoster))
  let least = kept?.number ?? 0
  const isOfNewest = () => current !== null && authority.isNewest(current.key)
  return {
    current: () => current?.payload ?? null,
    number: () => (isOfNewest() ? (current?.payload.number ?? 0) : 0),
    async accept(content) {
      const key = authority.newest()
      if (!key) throw new AppError('access.roster-missing')
      const roster = await checkRoster(CompactJws.parse(content), key)
      if (current && !isOfNewest()) least = 0
      if (roster.number < least) throw new AppError('access.roster-stale', { details: { number: roster.number, least } })
      if (isOfNewest() && roster.number === current?.payload.number) return null
      writeTwin(path, { version: 1, number: roster.number, roster: content })
      current = { payload: roster, key }
      least = roster.number
      return roster
    },
  }
}

function readKept(path: string, onLost: (what: string) => void): z.infer<typeof File> | null {
  try {
    return readTwin({ path, schema: File, onLost })
  } catch {
    // Both copies are bad. Without a roster nobody comes in until the main server delivers it again.
    onLost('roster.json')
    return null
  }
}
