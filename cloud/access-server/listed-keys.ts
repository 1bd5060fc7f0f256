import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AuthorityKeys, pinnedAuthority } from '@gantry/shared/authority-keys.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { followAuthority, splitAuthorityStatements } from '@gantry/shared/node/authority-keys.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { checkServerKeys } from '@gantry/shared/node/server-keys.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { type ServerKeysPayload, type TicketKeys, ticketKeysAt } from '@gantry/shared/server-keys.ts'
import type { CompactJws, Hash, PublicJwk } from '@gantry/shared/ticket.ts'

/** Under which ticket keys legs are opened here: the config's until the authority's first list, then that list's. It is kept, since a main server may be away at the next start. */
export type ListedKeys = {
  ticketKeys: TicketKeys
  /** RFC 7638 thumbprint of the main server's newest ticket key that is known here, by which beats say for whom they are. */
  mainServer(): Hash
  /** SHA-256 of server certificates that count no more, whatever their CA says. */
  revoked(): readonly Hash[]
  /** Follows the authority's own change of key (decision 30); true where it was news. What its newest key has not signed changes nothing. */
  follow(statements: readonly CompactJws[]): Promise<boolean>
  /** Takes a newer list over; true if it was one. Throws `server.keys-bad` for one that the authority's newest key has not signed. */
  accept(jws: CompactJws): Promise<boolean>
}

export type ListedKeysWith = { stateDir: string; ticketKey: PublicJwk; authorityKey: PublicJwk | null }

/** Throws `state.unreadable {path}` for a kept list that does not verify: going back to the config's key could bring back one that is over. */
export async function openListedKeys({ stateDir, ticketKey, authorityKey }: ListedKeysWith): Promise<ListedKeys> {
  const [path, authorityPath] = [join(stateDir, 'server-keys.jws'), join(stateDir, 'authority-keys.jws')]
  let authority = authorityKey && (await readAuthority(authorityPath, authorityKey))
  // It was taken over under the key that was the newest then.
  let list = authority && (await readList(path, authority))
  const newest = () => authority?.keys[0].key
  return {
    ticketKeys: (now) => (list ? ticketKeysAt(list.payload, now) : [ticketKey]),
    mainServer: () => thumbprint(list?.payload.ticketKeys[0]?.key ?? ticketKey),
    revoked: () => list?.payload.revoked ?? [],
    async follow(statements) {
      if (!authorityKey || !authority) return false
      const { known, followed } = await followAuthority(authority, statements)
      if (followed.length === 0) return false
      const before = existsSync(authorityPath) ? splitAuthorityStatements(readFileSync(authorityPath, 'utf8')) : []
      writeFileWhole(authorityPath, [...before, ...followed].map((jws) => `${jws}\n`).join(''))
      authority = known
      return true
    },
    async accept(jws) {
      const key = newest()
      if (!key) return false
      const next = await checkServerKeys(jws, key)
      if (list && thumbprint(list.key) === thumbprint(key) && next.number <= list.payload.number) return false
      list = { payload: next, key }
      writeFileWhole(path, `${jws}\n`)
      return true
    },
  }
}

async function readAuthority(path: string, authorityKey: PublicJwk): Promise<AuthorityKeys> {
  const statements = existsSync(path) ? splitAuthorityStatements(readFileSync(path, 'utf8')) : []
  const { known, followed } = await followAuthority(pinnedAuthority(authorityKey), statements)
  if (followed.length !== statements.length) throw new AppError('state.unreadable', { details: { path } })
  return known
}

async function readList(path: string, { keys }: AuthorityKeys): Promise<{ payload: ServerKeysPayload; key: PublicJwk } | null> {
  if (!existsSync(path)) return null
  const jws = readFileSync(path, 'utf8').trim()
  let cause: unknown
  for (const { key } of keys) {
    try {
      return { payload: await checkServerKeys(jws, key), key }
    } catch (error) {
      cause = error
    }
  }
  throw new AppError('state.unreadable', { cause, details: { path } })
}
