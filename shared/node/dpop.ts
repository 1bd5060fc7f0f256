import type { IncomingMessage } from 'node:http'
import { CompactSign, compactVerify, EmbeddedJWK } from 'jose'
import { z } from 'zod'
import { AppError } from '../errors.ts'
import { Hash, PublicJwk } from '../ticket.ts'
import type { ApiTarget } from './api-client.ts'
import { newNonce, type SigningKey, sha256, thumbprint } from './signing.ts'

/**
 * Proof of possession of a token's key (DPoP, RFC 9449): beside the token each request carries a fresh ES256 signature over its method, its address, the
 * token's hash and a nonce of the server's. The token without the key opens nothing. The client's clock is not asked: the nonce says when (section 8).
 */
const Proof = z.strictObject({
  htm: z.string(),
  htu: z.string().max(2_000),
  jti: z.string().min(22).max(64),
  iat: z.int(),
  ath: Hash,
  /** Left out of a client's first proof, which the server answers with one. */
  nonce: z.string().max(64).optional(),
})
export type ProvenRequest = { method: string; url: URL; token: string }
/** An access token and the key that it is bound to. */
export type Access = { token: string; proofKey: SigningKey }

const type = 'dpop+jwt'

export async function makeProof({ method, url, token }: ProvenRequest, key: SigningKey, nonce: string | undefined, nowMs = Date.now()): Promise<string> {
  const claims = { htm: method, htu: addressOf(url), jti: newNonce(), iat: Math.floor(nowMs / 1_000), ath: sha256(token), ...(nonce ? { nonce } : {}) }
  const content = new TextEncoder().encode(JSON.stringify(claims satisfies z.input<typeof Proof>))
  return new CompactSign(content).setProtectedHeader({ alg: 'ES256', typ: type, jwk: key.publicJwk }).sign(key.privateKey)
}

/** What the server still has to judge: whether its nonce is fresh, and whether the id was here before. */
export type CheckedProof = { jti: string; nonce: string | null }

/** By the key whose thumbprint the token names, for this very request. Throws `auth.proof-bad` for anything else. */
export async function checkProof(proof: string, { method, url, token }: ProvenRequest, jkt: string): Promise<CheckedProof> {
  try {
    const { payload, protectedHeader } = await compactVerify(proof, EmbeddedJWK, { algorithms: ['ES256'] })
    if (protectedHeader.typ !== type || Object.keys(protectedHeader).sort().join() !== 'alg,jwk,typ') throw new Error('header')
    if (thumbprint(PublicJwk.parse(protectedHeader.jwk)) !== jkt) throw new Error('key')
    const claims = Proof.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)))
    if (claims.htm !== method) throw new Error('method')
    if (claims.htu !== addressOf(url)) throw new Error('address')
    if (claims.ath !== sha256(token)) throw new Error('token')
    return { jti: claims.jti, nonce: claims.nonce ?? null }
  } catch (error) {
    throw new AppError('auth.proof-bad', { cause: error })
  }
}

/** What an API client needs to send proofs. */
export type Prover = { [N in 'headers' | 'again']: NonNullable<ApiTarget[N]> }

/** The headers of each request of an API client, with the newest nonce that the server gave; an answer that asks for another one is asked again, once. */
export function createProver(access: () => Promise<Access>): Prover {
  let nonce: string | undefined
  return {
    async headers({ method, url }) {
      const { token, proofKey } = await access()
      return { authorization: `DPoP ${token}`, dpop: await makeProof({ method, url, token }, proofKey, nonce) }
    },
    again(answer) {
      const fresh = answer.headers['dpop-nonce']
      if (typeof fresh === 'string') nonce = fresh
      return asksForNonce(answer)
    },
  }
}

function asksForNonce({ statusCode, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>): boolean {
  return statusCode === 401 && headers['dpop-nonce'] !== undefined && /\berror="use_dpop_nonce"/.test(headers['www-authenticate'] ?? '')
}

/** Without query and fragment (section 4.2). */
function addressOf({ origin, pathname }: URL): string {
  return origin + pathname
}
