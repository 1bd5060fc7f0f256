import { CompactSign, SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { generateSigningKey, privatePem, requestHash, signingKeyFrom, signJws, signRequest, thumbprint, verifyJws, verifyRequest } from './signing.ts'

const schema = z.strictObject({ say: z.string() })
const key = generateSigningKey()
const other = generateSigningKey()
const expected = { type: 'ticket', schema, key: key.publicJwk, failure: 'ticket.bad' } as const
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))

describe('one signature', () => {
  test('what was signed is what is read (R062)', async () => {
    const jws = await signJws('ticket', { say: 'yes' }, signingKeyFrom(privatePem(key)))
    expect(await verifyJws(jws, expected)).toEqual({ say: 'yes' })
  })

  test('another key, another kind, another shape and an edited payload are refused (R062)', async () => {
    const jws = await signJws('ticket', { say: 'yes' }, key)
    const [header, , signature] = jws.split('.')
    const edited = [header, Buffer.from('{"say":"no"}').toString('base64url'), signature].join('.')
    const wrong = [
      await signJws('ticket', { say: 'yes' }, other),
      await signJws('answer', { say: 'yes' }, key),
      await signJws('ticket', { say: 'yes', more: 1 }, key),
      edited,
      jws.slice(0, -4),
      '',
    ]
    for (const one of wrong) await expect(verifyJws(one, expected)).rejects.toMatchObject({ code: 'ticket.bad' })
  })

  test('a header that tries to choose how it is checked is refused (R062)', async () => {
    const sign = (header: Record<string, unknown>) => new CompactSign(bytes({ say: 'yes' })).setProtectedHeader(header as never).sign(key.privateKey)
    const none = `${Buffer.from('{"alg":"none","typ":"gantry-ticket+jwt"}').toString('base64url')}.${Buffer.from('{"say":"yes"}').toString('base64url')}.`
    const hmac = await new SignJWT({ say: 'yes' })
      .setProtectedHeader({ alg: 'HS256', typ: 'gantry-ticket+jwt' })
      .sign(Buffer.from(JSON.stringify(key.publicJwk)))
    const jwk = await sign({ alg: 'ES256', typ: 'gantry-ticket+jwt', jwk: key.publicJwk })
    const kid = await sign({ alg: 'ES256', typ: 'gantry-ticket+jwt', kid: '../../etc/passwd' })
    for (const one of [none, hmac, jwk, kid]) await expect(verifyJws(one, expected)).rejects.toMatchObject({ code: 'ticket.bad' })
  })
})

describe('a signed text has one reading (D11)', () => {
  test.each([
    ['a name that comes twice', '{"say":"no","say":"yes"}'],
    ['a space', '{"say": "yes"}'],
    ['another way to write a letter', '{"say":"y\\u0065s"}'],
    ['a byte order mark', '\ufeff{"say":"yes"}'],
    ['something after it', '{"say":"yes"} '],
  ])('%s is refused, under the right key', async (_what, text) => {
    const jws = await new CompactSign(new TextEncoder().encode(text)).setProtectedHeader({ alg: 'ES256', typ: 'gantry-ticket+jwt' }).sign(key.privateKey)
    await expect(verifyJws(jws as never, expected)).rejects.toMatchObject({ code: 'ticket.bad' })
  })
})

describe('a request under two keys', () => {
  const keys = { specialist: key, support: other }
  const publicKeys = { specialist: key.publicJwk, support: other.publicJwk }

  test('both signatures hold, and the hash covers the payload (R062, R078)', async () => {
    const signed = await signRequest({ say: 'open' }, keys)
    expect(await verifyRequest(signed, publicKeys, schema)).toEqual({ say: 'open' })
    expect(requestHash(signed)).not.toBe(requestHash(await signRequest({ say: 'shut' }, keys)))
  })

  test('one key twice, the keys swapped, or one signature missing is refused (R062, R078)', async () => {
    const signed = await signRequest({ say: 'open' }, keys)
    const twice = await signRequest({ say: 'open' }, { specialist: key, support: key })
    const swapped = { ...signed, signatures: signed.signatures.toReversed() }
    const short = { ...signed, signatures: signed.signatures.slice(0, 1) }
    for (const one of [twice, swapped, short]) await expect(verifyRequest(one, publicKeys, schema)).rejects.toMatchObject({ code: 'access.signature-bad' })
  })
})

test('the thumbprint is that of RFC 7638 over the four members of a P-256 key', () => {
  const jwk = { kty: 'EC', crv: 'P-256', x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4', y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM' } as const
  expect(thumbprint(jwk)).toBe('cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s')
})
