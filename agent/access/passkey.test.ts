import { verifyAuthenticationResponse } from '@simplewebauthn/server'
import { describe, expect, test } from 'vitest'
import { type Approver, PasskeyApprover, Policy } from '../../shared/device-policy.ts'
import { newId } from '../../shared/ids.ts'
import { generateSigningKey, newNonce, signJws } from '../../shared/node/signing.ts'
import type { Hash } from '../../shared/ticket.ts'
import { makeCase, now, people, trust } from '../../test/support/access-world.ts'
import { type Authenticator, createAuthenticator, type Lie } from '../../test/support/passkey.ts'
import { readNewPasskey } from './passkey.ts'
import { approvalOf, challengeOf, judgeApproval, type PasskeyApproval } from './second-key.ts'
import { proveSignatures } from './signatures.ts'

/** A passkey as approver (threat T3, R062): what a device takes for one's word, and every way to pass something else off as it. */
const origin = 'http://localhost:27451'
const page = { origin, rpId: 'localhost' }
const one = await makeCase(true)
const proven = await proveSignatures(one.delivery, trust, now)
const waiting = { version: 1, payload: one.delivery.request.payload, name: 'Elena Marchetti', employer: 'Example Service' } as const
const payload = approvalOf(waiting, one.request, now * 1_000)

function make(from: Authenticator, lie: Lie = {}, challenge: Hash = newNonce()): PasskeyApprover | null {
  const { clientDataJSON, attestationObject } = JSON.parse(from.create({ challenge }, lie)).response
  // CBOR of three members, of which the last is the authenticator's data: a browser hands it over by itself (section 5.2.1).
  const object = Buffer.from(attestationObject, 'base64url')
  const at = object.indexOf('authData') + 'authData'.length
  const start = at + (object[at] === 0x58 ? 2 : 3)
  return readNewPasskey({ clientDataJSON, authenticatorData: object.subarray(start).toString('base64url') }, page, challenge)
}
function pin(from: Authenticator): PasskeyApprover {
  const made = make(from)
  if (!made) throw new Error('no passkey')
  return PasskeyApprover.parse(made)
}
function approve(from: Authenticator, lie: Lie = {}, over = payload): PasskeyApproval {
  const { id: credentialId, response } = JSON.parse(from.get({ challenge: challengeOf(over) }, lie))
  return { version: 1, kind: 'passkey', payload: over, assertion: { credentialId, ...response } }
}
const judge = (approval: unknown, approvers: readonly Approver[]) =>
  judgeApproval(typeof approval === 'string' ? approval : JSON.stringify(approval), proven, approvers)

const mine = createAuthenticator(origin)
const pinned = pin(mine)
const stranger = createAuthenticator(origin)
const changed = (approval: PasskeyApproval, assertion: Partial<PasskeyApproval['assertion']>) => ({
  ...approval,
  assertion: { ...approval.assertion, ...assertion },
})

describe('an approval by a passkey', () => {
  test('holds for the request that it was made for, whichever of several approvers it is; a library that others keep agrees', async () => {
    const approval = approve(mine)
    const key = generateSigningKey().publicJwk
    expect(await judge(approval, [key, pin(stranger), pinned])).toMatch(/^[\w-]{43}$/)
    expect(await judge(await signJws('approval', payload, people.session), [pinned, people.session.publicJwk])).toMatch(/^[\w-]{43}$/)
    const { credentialId: id, ...response } = approval.assertion
    const coordinates = [pinned.publicKey.x, pinned.publicKey.y].map((text) => Buffer.from(text, 'base64url').toString('hex'))
    const judged = await verifyAuthenticationResponse({
      response: { id, rawId: id, type: 'public-key', clientExtensionResults: {}, response },
      ...{ expectedChallenge: challengeOf(payload), expectedOrigin: origin, expectedRPID: 'localhost', requireUserVerification: true },
      credential: { id, counter: 0, publicKey: new Uint8Array(Buffer.from(`a5010203262001215820${coordinates.join('225820')}`, 'hex')) },
    })
    expect(judged.verified).toBe(true)
  })

  const good = approve(mine)
  const reference: [string, () => unknown][] = [
    ['over another challenge', () => approve(mine, { challenge: newNonce() })],
    ['that another page asked for', () => approve(mine, { origin: 'http://localhost:27452' })],
    ['of a page whose address begins as ours', () => approve(mine, { origin: `${origin}.example` })],
    ['for another party', () => approve(mine, { rpId: 'example.org' })],
    ['without finger, face or PIN', () => approve(mine, { flags: 0x01 })],
    ['that nobody touched', () => approve(mine, { flags: 0x04 })],
    ['of another kind', () => approve(mine, { type: 'webauthn.create' })],
    ['by another passkey', () => approve(stranger)],
    ['by another passkey under the name of ours', () => approve(stranger, { id: mine.id })],
    ['by ours under the name of another', () => approve(mine, { id: stranger.id })],
    ['for another request, seen before', () => approve(mine, {}, { ...payload, requestId: newId('req') })],
    ['for another device', () => approve(mine, {}, { ...payload, deviceId: newId('dev') })],
    ['for a request that says something else', () => approve(mine, {}, { ...payload, requestHash: newNonce() })],
    ['whose payload was put in its place', () => ({ ...approve(mine, {}, { ...payload, requestId: newId('req') }), payload })],
    ['whose time was changed', () => ({ ...good, payload: { ...payload, at: payload.at + 1 } })],
    ['with one more member', () => ({ ...good, more: true })],
    ['with one more member in its payload', () => ({ ...good, payload: { ...payload, more: true } })],
    ['without a signature', () => changed(good, { signature: '' })],
    ['with a signature in the form of a JWS', () => changed(good, { signature: Buffer.alloc(64, 1).toString('base64url') })],
    ['cut short', () => changed(good, { authenticatorData: good.assertion.authenticatorData.slice(0, 44) })],
    ['with a second text of the same octets', () => changed(good, { signature: `${good.assertion.signature}=` })],
    ['with no client data', () => changed(good, { clientDataJSON: Buffer.from('null').toString('base64url') })],
    ['that is no JSON', () => '{'],
  ]
  test.each(reference)('%s is none (R062)', async (_, attack) => {
    expect(await judge(attack(), [pinned])).toBeNull()
    // What was tried left the good one good.
    expect(await judge(good, [pinned])).not.toBeNull()
  })

  test('asked for in another page’s frame is none', async () => {
    const lie = (more: object) => {
      const client = { ...JSON.parse(Buffer.from(good.assertion.clientDataJSON, 'base64url').toString('utf8')), ...more }
      return changed(good, { clientDataJSON: Buffer.from(JSON.stringify(client)).toString('base64url') })
    }
    expect(await judge(lie({ crossOrigin: true }), [pinned])).toBeNull()
    expect(await judge(lie({ topOrigin: 'https://example.org' }), [pinned])).toBeNull()
  })

  test('each bit of what was signed counts', async () => {
    for (const member of ['authenticatorData', 'clientDataJSON', 'signature'] as const) {
      const octets = Buffer.from(good.assertion[member], 'base64url')
      for (let at = 0; at < octets.length; at += 1) {
        const flipped = Buffer.from(octets)
        flipped[at] = (flipped[at] ?? 0) ^ 1
        expect(await judge(changed(good, { [member]: flipped.toString('base64url') }), [pinned]), `${member} ${at}`).toBeNull()
      }
    }
  })

  test('is none in the shape of a key’s, nor is a key’s in the shape of a passkey’s', async () => {
    const key = generateSigningKey()
    const jws = await signJws('approval', payload, key)
    // The same public key, pinned as the other kind.
    expect(await judge(good, [pinned.publicKey])).toBeNull()
    expect(await judge(jws, [{ ...pinned, publicKey: key.publicJwk }])).toBeNull()
    const [, , signature = ''] = jws.split('.')
    expect(await judge(changed(good, { signature }), [{ ...pinned, publicKey: key.publicJwk }])).toBeNull()
    const { clientDataJSON, signature: der } = good.assertion
    expect(await judge(`${jws.split('.')[0]}.${clientDataJSON}.${der}`, [pinned.publicKey, pinned])).toBeNull()
  })
})

describe('a passkey', () => {
  test.each<[string, Lie]>([
    ['another challenge', { challenge: newNonce() }],
    ['another page', { origin: 'https://example.org' }],
    ['another party', { rpId: 'example.org' }],
    ['nobody told apart', { flags: 0x01 }],
    ['another act', { type: 'webauthn.get' }],
  ])('is not pinned from an answer with %s', (_, lie) => {
    expect(make(mine)).toEqual(pinned)
    expect(make(mine, lie)).toBeNull()
  })

  test.each<[string, object]>([
    ['without TLS elsewhere', { origin: 'http://approve.example', rpId: 'approve.example' }],
    ['of a page that is not the party’s', { origin: 'https://approve.example', rpId: 'other.example' }],
    ['of a page that only ends like it', { origin: 'https://badexample.org', rpId: 'example.org' }],
    ['of localhost’s namesake', { origin: 'http://localhost.example', rpId: 'localhost.example' }],
    ['of an origin with a path', { origin: `${origin}/` }],
    ['of a key that is no P-256', { publicKey: { kty: 'OKP', crv: 'Ed25519', x: newNonce() } }],
    ['with one more member', { more: 1 }],
    ['without an id', { credentialId: '' }],
  ])('%s cannot stand in a policy', (_, change) => {
    const policy = (approver: object) => Policy.safeParse({ version: 1, approvers: [approver] }).success
    expect(policy(pinned)).toBe(true)
    expect(policy({ ...pinned, origin: 'https://approve.hospital.example', rpId: 'hospital.example' })).toBe(true)
    expect(policy({ ...pinned, ...change })).toBe(false)
  })
})
