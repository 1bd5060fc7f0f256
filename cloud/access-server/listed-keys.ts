import { existsSync, readFileSync } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
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
  /** Takes a newer list over; true if it was one. Throws `server.keys-bad` for one that the authority has not signed. */
  accept(jws: CompactJws): Promise<boolean>
}

export type ListedKeysWith = { path: string; ticketKey: PublicJwk; authorityKey: PublicJwk | null }

/** Throws `state.unreadable {path}` for a kept list that does not verify: going back to the config's key could bring back one that is over. */
export async function openListedKeys({ path, ticketKey, authorityKey }: ListedKeysWith): Promise<ListedKeys> {
  let list: ServerKeysPayload | null = null
  if (authorityKey && existsSync(path)) {
    list = await checkServerKeys(readFileSync(path, 'utf8').trim(), authorityKey).catch((error: unknown) => {
      throw new AppError('state.unreadable', { cause: error, details: { path } })
    })
  }
  return {
    ticketKeys: (now) => (list ? ticketKeysAt(list, now) : [ticketKey]),
    mainServer: () => thumbprint(list?.ticketKeys[0]?.key ?? ticketKey),
    async accept(jws) {
      if (!authorityKey) return false
      const next = await checkServerKeys(jws, authorityKey)
      if (list && next.number <= list.number) return false
      list = next
      writeFileWhole(path, `${jws}\n`)
      return true
    },
  }
}
