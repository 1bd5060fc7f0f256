import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto'
import { CompactSign, compactVerify, errors, GeneralSign, generalVerify } from 'jose'
import type { z } from 'zod'
import { AppError, type ErrorCode } from '../errors.ts'
import { type CompactJws, type Hash, type JwsType, jwsTypes, PublicJwk, type SignedRequest } from '../ticket.ts'

/**
 * ES256 signatures over JSON payloads (RFC 7515, RFC 7518 section 3.4). The header holds exactly `alg` and `typ`: no key, no URL, no critical extension,
 * so nothing in it can choose how it is checked. Verification takes the kind, the key and the payload's schema together.
 */
export type SigningKey = { privateKey: KeyObject; publicJwk: PublicJwk }

export function generateSigningKey(): SigningKey {
  return signingKeyFrom(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
}

/** From PKCS#8 PEM or a KeyObject. Throws `state.unreadable` for anything but a P-256 private key. */
export function signingKeyFrom(source: string | KeyObject): SigningKey {
  try {
    const privateKey = typeof source === 'string' ? createPrivateKey(source) : source
    return { privateKey, publicJwk: publicJwkOf(createPublicKey(privateKey)) }
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'key' } })
  }
}

export function privatePem(key: SigningKey): string {
  return key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

export function publicJwkOf(key: KeyObject): PublicJwk {
  const { kty, crv, x, y } = key.export({ format: 'jwk' })
  return PublicJwk.parse({ kty, crv, x, y })
}

export function publicKeyFrom(jwk: PublicJwk): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' })
}

/** SHA-256 in base64url, 43 characters. */
export function sha256(data: string | Uint8Array): Hash {
  return createHash('sha256').update(data).digest('base64url') as Hash
}

/** 32 random bytes in base64url. */
export function newNonce(): Hash {
  return randomBytes(32).toString('base64url') as Hash
}

/** RFC 7638 thumbprint of a public key: SHA-256 over its members in lexical order. */
export function thumbprint(jwk: PublicJwk): Hash {
  return sha256(JSON.stringify({ crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }))
}

export async function signJws(type: JwsType, payload: unknown, key: SigningKey): Promise<CompactJws> {
  return new CompactSign(encode(payload)).setProtectedHeader({ alg: 'ES256', typ: jwsTypes[type] }).sign(key.privateKey)
}

export type Expected<T> = { type: JwsType; schema: z.ZodType<T>; key: PublicJwk; failure: ErrorCode }

/** Returns the payload, or throws `failure` for a wrong signature, kind, header or shape. */
export async function verifyJws<T>(jws: CompactJws, { type, schema, key, failure }: Expected<T>): Promise<T> {
  try {
    const { payload, protectedHeader } = await compactVerify(jws, publicKeyFrom(key), { algorithms: ['ES256'] })
    requireHeader(protectedHeader, type)
    return schema.parse(decode(payload))
  } catch (error) {
    throw new AppError(failure, { cause: error })
  }
}

/** As `verifyJws`, where one of several keys may have signed: a key and the one that takes over from it. */
export async function verifyByAny<T>(jws: CompactJws, { keys, ...expected }: Omit<Expected<T>, 'key'> & { keys: readonly PublicJwk[] }): Promise<T> {
  let last: unknown = new AppError(expected.failure)
  for (const key of keys) {
    try {
      return await verifyJws(jws, { ...expected, key })
    } catch (error) {
      last = error
    }
  }
  throw last
}

/** As `signJws`, without waiting, over a payload that is text already. RFC 7518 section 3.4: the signature is R || S, not DER. */
export function signTextNow(type: JwsType, payload: string, privateKey: KeyObject): CompactJws {
  const input = `${headerNow(type)}.${Buffer.from(payload).toString('base64url')}`
  const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${input}.${signature.toString('base64url')}`
}

/** The payload's text if this key signed it as this kind, else null. Only the one header that `signTextNow` writes is taken. */
export function verifyTextNow(type: JwsType, jws: CompactJws, publicKey: KeyObject): string | null {
  const [header, payload, signature, ...rest] = jws.trim().split('.')
  if (header !== headerNow(type) || !payload || !signature || rest.length > 0) return null
  const bytes = Buffer.from(signature, 'base64url')
  // Buffer.from skips what is no base64url, so that many texts would mean one signature.
  if (bytes.toString('base64url') !== signature) return null
  const good = verify('sha256', Buffer.from(`${header}.${payload}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
  return good ? Buffer.from(payload, 'base64url').toString('utf8') : null
}

const headerNow = (type: JwsType) => Buffer.from(JSON.stringify({ alg: 'ES256', typ: jwsTypes[type] })).toString('base64url')

/** The payload of a JWS whose signer is only known from its content. Nothing in it may be believed before `verifyJws`. */
export function readUnverified<T>(jws: CompactJws, schema: z.ZodType<T>, failure: ErrorCode): T {
  try {
    return schema.parse(decode(Buffer.from(jws.split('.')[1] ?? '', 'base64url')))
  } catch (error) {
    throw new AppError(failure, { cause: error })
  }
}

/** Two signatures over one payload, specialist key first (RFC 7515 section 7.2.1). */
export async function signRequest(payload: unknown, keys: { specialist: SigningKey; support: SigningKey }): Promise<SignedRequest> {
  return signByBoth('request', payload, [keys.specialist, keys.support])
}

/** As `signRequest`, for any kind that two keys sign. */
export async function signByBoth(type: JwsType, payload: unknown, [first, second]: readonly [SigningKey, SigningKey]): Promise<SignedRequest> {
  const header = { alg: 'ES256', typ: jwsTypes[type] }
  const sign = new GeneralSign(encode(payload))
  sign.addSignature(first.privateKey).setProtectedHeader(header)
  sign.addSignature(second.privateKey).setProtectedHeader(header)
  return (await sign.sign()) as SignedRequest
}

/** Both signatures must hold, each under its own key; else `access.signature-bad`. */
export async function verifyRequest<T>(request: SignedRequest, keys: { specialist: PublicJwk; support: PublicJwk }, schema: z.ZodType<T>): Promise<T> {
  return verifyByBoth(request, { type: 'request', schema, keys: [keys.specialist, keys.support], failure: 'access.signature-bad' })
}

export type ExpectedOfBoth<T> = Omit<Expected<T>, 'key'> & { keys: readonly [PublicJwk, PublicJwk] }

/** Both signatures must hold, in order, each under its own key; else `failure`. */
export async function verifyByBoth<T>(signed: SignedRequest, { type, schema, keys, failure }: ExpectedOfBoth<T>): Promise<T> {
  try {
    const [first, second] = signed.signatures
    for (const [signature, jwk] of [[first, keys[0]] as const, [second, keys[1]] as const]) {
      if (!signature) throw new Error('a signature is missing')
      const one = { payload: signed.payload, signatures: [signature] }
      const { protectedHeader } = await generalVerify(one, publicKeyFrom(jwk), { algorithms: ['ES256'] })
      requireHeader(protectedHeader, type)
    }
    return schema.parse(decode(Buffer.from(signed.payload, 'base64url')))
  } catch (error) {
    throw new AppError(failure, { cause: error })
  }
}

/** What a ticket binds: SHA-256 of the request's payload octets. The signatures are left out, since ECDSA signatures are malleable. */
export function requestHash(request: SignedRequest): Hash {
  return sha256(Buffer.from(request.payload, 'base64url'))
}

function encode(payload: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(payload))
}

/** A signed text has one reading: written as we write it. A name that comes twice, or a space, would be read one way here and perhaps another way elsewhere. */
function decode(payload: Uint8Array): unknown {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
  const value: unknown = JSON.parse(text)
  if (JSON.stringify(value) !== text) throw new errors.JWSInvalid('more than one reading')
  return value
}

function requireHeader(header: Record<string, unknown> | undefined, type: JwsType): void {
  const names = Object.keys(header ?? {})
    .sort()
    .join()
  if (header?.typ !== jwsTypes[type] || names !== 'alg,typ') throw new errors.JWSInvalid(`not a ${jwsTypes[type]}`)
}
