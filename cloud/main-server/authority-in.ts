import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkRoster } from '@gantry/shared/node/ticket.ts'
import type { CompactJws, PublicJwk, RosterPayload } from '@gantry/shared/ticket.ts'
import type { Logger } from 'pino'

/** The newest roster, as the authority signed it. */
export type Roster = { payload: RosterPayload; jws: CompactJws }
export type AuthorityIn = {
  roster(): Roster | null
  /** The certificate that the authority made for this person, or null. It is handed on as it is; whoever relies on it checks it. */
  certificateOf(username: string): CompactJws | null
  close(): void
}
export type AuthorityInOptions = { folder: string; authorityKey: PublicJwk; log: Logger; onRoster: () => void }

const maxFileBytes = 1_500_000
const lookEveryMs = 2_000

/**
 * What the offline authority has signed, as files that a person carries in. The folder is looked at every 2 s: file events are not to be had on every
 * file system that such a folder may lie on. A roster that does not verify or steps back is left alone, with a log entry.
 */
export async function openAuthorityIn({ folder, authorityKey, log, onRoster }: AuthorityInOptions): Promise<AuthorityIn> {
  const path = join(folder, 'roster.jws')
  let roster: Roster | null = null
  let seen = ''

  const look = async () => {
    const mark = markOf(path)
    if (mark === seen) return
    seen = mark
    const jws = readJws(path)
    if (!jws) return
    const payload = await checkRoster(jws, authorityKey)
    if (roster && payload.number <= roster.payload.number) return
    roster = { payload, jws }
    onRoster()
  }
  const lookSafely = () => look().catch((error: unknown) => log.warn({ err: error }, 'roster not taken over'))
  await lookSafely()
  const timer = setInterval(() => void lookSafely(), lookEveryMs).unref()
  return {
    roster: () => roster,
    certificateOf: (username) => readJws(join(folder, 'certificates', `${username}.jws`)),
    close: () => clearInterval(timer),
  }
}

function markOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : ''
}

/** A roster of 10,000 people is longer than the `CompactJws` that may travel in a request; it is checked by its signature. */
function readJws(path: string): CompactJws | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile() || stat.size > maxFileBytes) return null
  const text = readFileSync(path, 'utf8').trim()
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) ? text : null
}
