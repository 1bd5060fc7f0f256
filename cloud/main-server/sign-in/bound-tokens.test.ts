import { sign } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { makeProof, type ProvenRequest } from '@gantry/shared/node/dpop.ts'
import { generateSigningKey, type SigningKey, sha256, thumbprint } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../../../test/support/listen.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { type Answer, ask, exchange, proofKey, proverOf, type Tokens } from '../../../test/support/sign-in-browser.ts'

/** D12, T4: what somebody can do with tokens that were copied from a log, a proxy or a memory dump, and with a proof that was overheard. */
let server: TestServer
let tokens: Tokens
/** A nonce that counts now. */
let nonce: string
const stranger = generateSigningKey()
beforeAll(async () => {
  server = await createTestServer()
  tokens = await server.signIn(server.people.elena)
})
afterAll(() => server.close())

const path = '/api/v1/specialist.me'
const failureOf = ({ text }: Answer) => (JSON.parse(text) as { failure?: { code: string } }).failure?.code
const send = (headers: Record<string, string>, to = path, body = '{}') =>
  ask(`${server.origin}${to}`, server.ca, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
const sendProof = (dpop: string, token = tokens.access_token) => send({ authorization: `DPoP ${token}`, dpop })

async function freshNonce(): Promise<string> {
  const prover = proverOf(tokens.access_token)
  const answer = await send(await prover.headers({ method: 'POST', url: new URL(path, server.origin) }))
  expect(answer.headers['www-authenticate']).toContain('use_dpop_nonce')
  return String(answer.headers['dpop-nonce'])
}
const request = (change: Partial<ProvenRequest> = {}): ProvenRequest => ({
  method: 'POST',
  url: new URL(path, server.origin),
  token: tokens.access_token,
  ...change,
})
const proofOf = (change: Partial<ProvenRequest> = {}, key = proofKey, of = nonce) => makeProof(request(change), key, of)

/** A proof as nobody's client makes it. */
async function forged(claims: Record<string, unknown>, header: Record<string, unknown> = {}, key: SigningKey = proofKey): Promise<string> {
  const whole = { htm: 'POST', htu: server.origin + path, jti: 'j'.repeat(43), iat: Math.floor(Date.now() / 1_000), ath: sha256(tokens.access_token), nonce }
  const parts = [
    { alg: 'ES256', typ: 'dpop+jwt', jwk: key.publicJwk, ...header },
    { ...whole, ...claims },
  ]
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

describe('an access token without its key opens nothing (D12, R065)', () => {
  beforeAll(async () => {
    nonce = await freshNonce()
  })

  test('with its key it is good, for each request anew', async () => {
    for (let count = 0; count < 3; count++) expect((await sendProof(await proofOf())).status).toBe(200)
  })

  test('neither alone, nor as a Bearer token, with or without a proof beside it', async () => {
    expect(failureOf(await send({ authorization: `DPoP ${tokens.access_token}` }))).toBe('auth.proof-bad')
    expect(failureOf(await send({ authorization: `Bearer ${tokens.access_token}` }))).toBe('auth.not-signed-in')
    expect(failureOf(await send({ authorization: `Bearer ${tokens.access_token}`, dpop: await proofOf() }))).toBe('auth.not-signed-in')
    expect(failureOf(await send({ authorization: `DPoP ${tokens.access_token}, Bearer ${tokens.access_token}`, dpop: await proofOf() }))).toBe(
      'auth.not-signed-in',
    )
  })

  test('a proof counts once, and its id is not free for another', async () => {
    const proof = await proofOf()
    expect((await sendProof(proof)).status).toBe(200)
    expect(failureOf(await sendProof(proof))).toBe('auth.proof-bad')
    expect((await sendProof(await forged({}))).status).toBe(200)
    expect(failureOf(await sendProof(await forged({})))).toBe('auth.proof-bad')
  })

  const wrong: [string, () => Promise<string>][] = [
    ['by another key', () => proofOf({}, stranger)],
    ['by another key, under the name of the right one', () => forged({ jti: 'k'.repeat(43) }, { jwk: proofKey.publicJwk }, stranger)],
    ['for another method', () => proofOf({ method: 'GET' })],
    ['for another call', () => proofOf({ url: new URL('/api/v1/device.list', server.origin) })],
    ['for another server', () => proofOf({ url: new URL(path, 'https://main.gantry.example') })],
    ['for another token', () => proofOf({ token: 'another-token-of-the-same-person' })],
    ['with a nonce of nobody', () => proofOf({}, proofKey, 'n'.repeat(43))],
    ['without an id', () => forged({ jti: undefined })],
    ['without a time', () => forged({ jti: 'l'.repeat(43), iat: undefined })],
    ['of another kind', () => forged({ jti: 'm'.repeat(43) }, { typ: 'jwt' })],
    ['with a private key in it', () => forged({ jti: 'o'.repeat(43) }, { jwk: proofKey.privateKey.export({ format: 'jwk' }) })],
    ['that is no JWS', async () => 'not.a.proof'],
  ]
  test.each(wrong)('a proof %s is refused', async (_, make) => {
    const answer = await sendProof(await make())
    expect([answer.status, failureOf(answer)]).toEqual([401, 'auth.proof-bad'])
  })

  test('a proof that was kept is too old after two minutes, whatever time it claims, and the answer has a new nonce', async () => {
    const [kept, dated] = [await proofOf(), await forged({ jti: 'p'.repeat(43), iat: Math.floor(server.now() / 1_000) + 120 })]
    server.clock.aheadMs += 120_000
    for (const proof of [kept, dated]) {
      const answer = await sendProof(proof)
      expect([failureOf(answer), answer.headers['www-authenticate']]).toEqual(['auth.proof-bad', expect.stringContaining('use_dpop_nonce')])
      nonce = String(answer.headers['dpop-nonce'])
    }
    expect((await sendProof(await proofOf())).status).toBe(200)
  })

  test('a clock that is set back lets no old proof in again', async () => {
    const kept = await proofOf()
    expect((await sendProof(kept)).status).toBe(200)
    server.clock.aheadMs += 300_000
    nonce = await freshNonce()
    server.clock.aheadMs -= 300_000
    expect(failureOf(await sendProof(kept))).toBe('auth.proof-bad')
  })

  test('nor does a restart, after which nobody remembers which proofs were spent', async () => {
    const kept = await proofOf()
    expect((await sendProof(kept)).status).toBe(200)
    await server.stop()
    await server.start()
    expect(failureOf(await sendProof(kept))).toBe('auth.proof-bad')
    nonce = await freshNonce()
    expect((await sendProof(await proofOf())).status).toBe(200)
  })

  test('updates need a proof like every call', async () => {
    const stops: (() => void)[] = []
    const good = await listen(server, tokens.access_token, stops)
    for (const stop of stops) stop()
    expect(good.events).toEqual([])
    const url = new URL('/api/v1/updates', server.origin)
    const refused = [{}, { dpop: await makeProof({ method: 'GET', url, token: tokens.access_token }, stranger, nonce) }, { dpop: await proofOf({ url }) }]
    for (const headers of refused) {
      const answer = await ask(url.href, server.ca, { headers: { authorization: `DPoP ${tokens.access_token}`, ...headers } })
      expect([answer.status, failureOf(answer)]).toEqual([401, 'auth.proof-bad'])
    }
  })
})

describe('the token endpoint (D12, RFC 9449)', () => {
  const errorOf = ({ text }: Answer) => (JSON.parse(text) as { error?: string }).error
  const refresh = (refresh_token: string, key: SigningKey | null = proofKey) =>
    exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token }, key)

  test('a refresh token without its key is good for nothing, and its owner is not signed out by the attempt', async () => {
    const own = await server.signIn(server.people.elena)
    expect(errorOf(await refresh(own.refresh_token, null))).toBe('invalid_grant')
    for (let count = 0; count < 3; count++) expect(errorOf(await refresh(own.refresh_token, generateSigningKey()))).toBe('invalid_grant')
    expect((await server.client(own.access_token).call('specialist.me', {})).specialist.username).toBe('elena')
    expect((await refresh(own.refresh_token)).status).toBe(200)
  })

  test('a rotated one with another key ends nothing either', async () => {
    const own = await server.signIn(server.people.elena)
    const next = JSON.parse((await refresh(own.refresh_token)).text) as Tokens
    expect(errorOf(await refresh(own.refresh_token, stranger))).toBe('invalid_grant')
    expect((await server.client(next.access_token).call('specialist.me', {})).specialist.username).toBe('elena')
  })

  test('a code is bound to the key that its client named, and gives no token without a proof', async () => {
    const bound = await server.visit(server.people.elena, { dpop_jkt: thumbprint(proofKey.publicJwk) })
    expect(errorOf(await exchange(server.origin, server.ca, bound, stranger))).toBe('invalid_grant')
    const open = await server.visit(server.people.elena)
    expect(errorOf(await exchange(server.origin, server.ca, open, null))).toBe('invalid_grant')
  })
})

test('an answer that asks for a nonce is answered once, and no second time (RFC 9449 section 9)', async () => {
  const prover = proverOf('a-token-of-somebody-or-other')
  const head = (statusCode: number, headers: Record<string, string>) => ({ statusCode, headers }) as unknown as IncomingMessage
  const asked = { 'dpop-nonce': 'a-nonce', 'www-authenticate': 'DPoP error="use_dpop_nonce"' }
  expect(prover.again(head(401, asked))).toBe(true)
  expect([
    prover.again(head(200, asked)),
    prover.again(head(401, {})),
    prover.again(head(401, { ...asked, 'www-authenticate': 'DPoP error="invalid_token"' })),
  ]).toEqual([false, false, false])
})
