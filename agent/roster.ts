import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { checkRoster } from '@gantry/shared/node/ticket.ts'
import { CompactJws, type PublicJwk, type RosterPayload } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { readTwin, writeTwin } from './state-file.ts'

/** The authority's list of certified people, as this device last accepted it. Its number never steps back, so it is kept twice. */
export type RosterStore = {
  current(): RosterPayload | null
  /** Returns the roster when it is newer, null for the one that is there already. Throws `access.roster-missing` (not the authority's), `access.roster-stale` (older). */
  accept(content: string): Promise<RosterPayload | null>
}

const File = z.strictObject({ version: z.literal(1), number: z.number().int().positive(), roster: CompactJws })

export type RosterStoreWith = { stateDir: string; authorityKey: PublicJwk; onLost: (what: string) => void }

/** What lies on the disk is checked again under the pinned key: the disk is not the authority. */
export async function openRosterStore({ stateDir, authorityKey, onLost }: RosterStoreWith): Promise<RosterStore> {
  const path = join(stateDir, 'roster.json')
  const kept = readKept(path, onLost)
  let current = kept && (await checkRoster(kept.roster, authorityKey).catch(() => null))
  let least = kept?.number ?? 0
  return {
    current: () => current,
    async accept(content) {
      const roster = await checkRoster(CompactJws.parse(content), authorityKey)
      if (roster.number < least) throw new AppError('access.roster-stale', { details: { number: roster.number, least } })
      if (roster.number === current?.number) return null
      writeTwin(path, { version: 1, number: roster.number, roster: content })
      current = roster
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
