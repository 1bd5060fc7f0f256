import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { keyType, signatureHolds, sshBlob } from './ssh-keys.ts'

/**
 * The second level, live (architecture 2.7, R065, R078): first the session key that the ticket names, then that person's own support key.
 * One without the other, or the other way round, opens nothing; there is no password, no `none`, and nothing that a server could answer.
 */
export type Person = { username: string; sessionKey: PublicJwk; supportKey: PublicJwk }

/** One request as ssh2 tells it; without a signature the client only asks whether the key would do (RFC 4252 section 7). */
export type AuthRequest = {
  method: string
  username: string
  key?: { algo: string; data: Buffer } | undefined
  signature?: Buffer | undefined
  /** What was signed: it holds the session id of the key exchange, so a signature is worth nothing on another connection. */
  blob?: Buffer | undefined
}

/** `partial`: one level holds, the other is still missing. `usable`: this key would do. `over`: no further try. */
export type Verdict = 'refused' | 'usable' | 'partial' | 'accepted' | 'over'

/** As OpenSSH's MaxAuthTries: an agent may offer a few other keys first, a guesser gets nowhere. */
const maxTries = 6

export function createAuthentication(person: Person): (request: AuthRequest) => Verdict {
  const levels = [person.sessionKey, person.supportKey].map((jwk) => ({ jwk, blob: sshBlob(jwk) }))
  let passed = 0
  let failures = 0

  const refuse = (): Verdict => {
    failures += 1
    return failures >= maxTries ? 'over' : 'refused'
  }
  return ({ method, username, key, signature, blob }) => {
    if (failures >= maxTries) return 'over'
    // Clients ask for `none` first, to hear which methods there are (RFC 4252 section 5.2).
    if (method === 'none') return 'refused'
    const level = levels[passed]
    if (method !== 'publickey' || !level || username !== person.username) return refuse()
    if (key?.algo !== keyType || !level.blob.equals(key.data)) return refuse()
    if (!signature) return 'usable'
    if (!blob || !signatureHolds(level.jwk, blob, signature)) return refuse()
    passed += 1
    return passed === levels.length ? 'accepted' : 'partial'
  }
}
