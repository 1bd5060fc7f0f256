import { ServerKeysPayload as Schema, type ServerKeysPayload } from '../server-keys.ts'
import type { CompactJws, PublicJwk } from '../ticket.ts'
import { verifyJws } from './signing.ts'

/** Throws `server.keys-bad` for anything that the authority has not signed as a list of the servers' keys. */
export function checkServerKeys(jws: CompactJws, authorityKey: PublicJwk): Promise<ServerKeysPayload> {
  return verifyJws(jws, { type: 'server-keys', schema: Schema, key: authorityKey, failure: 'server.keys-bad' })
}
