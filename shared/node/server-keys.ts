import { canonicalJson } from '../canonical-json.ts'
import { type ServerKeys, ServerKeysPayload } from '../server-keys.ts'
import type { CompactJws, PublicJwk } from '../ticket.ts'
import { shortMark } from './certification.ts'
import { verifyJws } from './signing.ts'

/** Throws `server.keys-bad` for anything that the authority has not signed as a list of the servers' keys. */
export function checkServerKeys(jws: CompactJws, authorityKey: PublicJwk): Promise<ServerKeysPayload> {
  return verifyJws(jws, { type: 'server-keys', schema: ServerKeysPayload, key: authorityKey, failure: 'server.keys-bad' })
}

/** What the operator reads out and the officers type, so that the list that is signed is the one that the main server's command made. */
export function serverKeysFingerprint(keys: ServerKeys): string {
  return shortMark(canonicalJson(keys))
}
