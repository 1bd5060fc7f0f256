import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { authorityKeysAt, pinnedAuthority } from '@gantry/shared/authority-keys.ts'
import { followAuthority, splitAuthorityStatements, statementsFor } from '@gantry/shared/node/authority-keys.ts'
import { fileMark } from '@gantry/shared/node/file-mark.ts'
import { checkServerKeys } from '@gantry/shared/node/server-keys.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { checkRoster } from '@gantry/shared/node/ticket.ts'
import type { ServerKeysPayload } from '@gantry/shared/server-keys.ts'
import type { CompactJws, PublicJwk, RosterPayload } from '@gantry/shared/ticket.ts'
import type { Logger } from 'pino'

/** The newest roster, as the authority signed it. */
export type Roster = { payload: RosterPayload; jws: CompactJws }
/** `sinceMs`: since when it is handed on. */
export type ListedKeys = { payload: ServerKeysPayload; jws: CompactJws; sinceMs: number }
export type AuthorityIn = {
  /** The authority's keys that count at a moment (Unix seconds), by the one of the config. */
  keysAt(now: number): readonly PublicJwk[]
  /** How its key came to be another one, as it was carried in. Who pinned one of those keys judges it; here it is only handed on. */
  statements(): readonly CompactJws[]
  /** Those that a device with this newest key has not heard. */
  statementsFor(known: { key: string; number: number }): readonly CompactJws[]
  roster(): Roster | null
  /** Which keys speak for the servers, as two officers listed them; null before the first list. */
  serverKeys(): ListedKeys | null
  /** The certificate that the authority made for this person, or null. It is handed on as it is; whoever relies on it checks it. */
  certificateOf(username: string): CompactJws | null
  close(): void
}
export type AuthorityInOptions = {
  folder: string
  authorityKey: PublicJwk
  log: Logger
  /** Before any device hears of it, so that who follows the list at once finds that we did. */
  onServerKeys: (list: ListedKeys) => void
  onNews: () => void
  now: () => number
}

const maxFileBytes = 1_500_000
const lookEveryMs = 1_000

/**
 * What the offline authority has signed, as files that a person carries in. The folder is looked at every second: file events are not to be had on every
 * file system that such a folder may lie on. What does not verify or steps back is left alone, with a log entry.
 */
export async function openAuthorityIn(options: AuthorityInOptions): Promise<AuthorityIn> {
  const { folder, authorityKey, log, onServerKeys, onNews, now } = options
  type Newest<T> = { payload: T; jws: CompactJws; sinceMs: number; key: PublicJwk }
  let keys = pinnedAuthority(authorityKey)
  let statements: readonly CompactJws[] = []
  const follow = <T extends { number: number }>(
    name: string,
    check: (jws: CompactJws, key: PublicJwk) => Promise<T>,
    onNewest: (newest: Newest<T>) => void,
  ) => {
    const path = join(folder, name)
    let newest: Newest<T> | null = null
    let seen = ''
    const look = async () => {
      const mark = fileMark(path)
      if (mark === seen) return
      seen = mark
      const jws = readJws(path)
      if (!jws) return
      const { key } = keys.keys[0]
      const payload = await check(jws, key)
      // Numbers count under one key: who stole the one before it has none that stands in the way.
      if (newest && thumbprint(newest.key) === thumbprint(key) && payload.number <= newest.payload.number) return
      newest = { payload, jws, sinceMs: now(), key }
      onNewest(newest)
      onNews()
    }
    return {
      current: () => newest,
      look: () => look().catch((error: unknown) => log.warn({ err: error }, `${name} not taken over`)),
      lookAgain() {
        seen = ''
      },
    }
  }
  const roster = follow('roster.jws', checkRoster, () => undefined)
  const serverKeys = follow('server-keys.jws', checkServerKeys, onServerKeys)
  let seen = ''
  /** First of all, since it says whose word the rest has to be. */
  const lookAtKeys = async () => {
    const path = join(folder, 'authority-keys.jws')
    const mark = fileMark(path)
    if (mark === seen) return
    seen = mark
    const carried = splitAuthorityStatements(readFileSync(path, 'utf8'))
    const { known } = await followAuthority(pinnedAuthority(authorityKey), carried)
    if (known.number < keys.number) return
    statements = carried
    if (known.number > keys.number) {
      keys = known
      for (const file of [roster, serverKeys]) file.lookAgain()
      log.info({ key: thumbprint(known.keys[0].key), number: known.number }, 'the authority has another key')
    }
    onNews()
  }
  const look = async () => {
    await lookAtKeys().catch((error: unknown) => log.warn({ err: error }, 'authority-keys.jws not taken over'))
    await Promise.all([roster.look(), serverKeys.look()])
  }
  await look()
  const timer = setInterval(() => void look(), lookEveryMs).unref()
  return {
    keysAt: (at) => authorityKeysAt(keys, at),
    statements: () => statements,
    statementsFor: (known) => statementsFor(statements, known),
    roster: roster.current,
    serverKeys: serverKeys.current,
    certificateOf: (username) => readJws(join(folder, 'certificates', `${username}.jws`)),
    close: () => clearInterval(timer),
  }
}

/** A roster of 10,000 people is longer than the `CompactJws` that may travel in a request; it is checked by its signature. */
function readJws(path: string): CompactJws | null {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile() || stat.size > maxFileBytes) return null
  const text = readFileSync(path, 'utf8').trim()
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text) ? text : null
}
