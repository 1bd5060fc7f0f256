import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createAuthority, openAuthority } from '../../../authority/authority.ts'
import type { Act } from '../../../authority/statement.ts'
import type { Specialist } from '../../../shared/client-api.ts'
import { AppError, toFailure } from '../../../shared/errors.ts'
import { newId } from '../../../shared/ids.ts'
import type { KeysStatus } from '../../../shared/ipc.ts'
import { checkCertification, shortFingerprint } from '../../../shared/node/certification.ts'
import { generateSigningKey, privatePem, requestHash, signJws, signRequest, thumbprint, verifyRequest } from '../../../shared/node/signing.ts'
import { CertificatePayload, RequestPayload } from '../../../shared/ticket.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, signedRequest } from '../../../test/support/test-agent.ts'
import type { SecretName, SecretStore } from '../secret-store.ts'
import { createKeys } from './keys.ts'
import { watchForCertificate } from './watch.ts'

const start = Date.UTC(2030, 0, 1)
const person: Specialist = { id: newId('spc'), username: 'a.tester', name: 'A. Tester', employer: 'Example Service', country: 'CA', city: 'Laval', tier: 2 }
const pin = '739-201'

function memoryStore(kind: SecretStore['kind'] = 'keychain') {
  const values = new Map<SecretName, string>()
  const store: SecretStore = {
    kind,
    get: async (name) => values.get(name) ?? null,
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  }
  return { store, values }
}

/** A workstation, and an office that certifies whatever request it is handed. */
function workstation(kind?: SecretStore['kind']) {
  const { store, values } = memoryStore(kind)
  const clock = { ms: start }
  const at = { main: { certificate: null as string | null, isAway: false } }
  const told: KeysStatus[] = []
  const me = async () => {
    if (at.main.isAway) throw new AppError('server.unreachable')
    return { specialist: person, certificate: at.main.certificate }
  }
  const keys = createKeys({ store, me, onChange: (status) => told.push(status), now: () => clock.ms })
  const authority = generateSigningKey()
  const certify = async (days = 90) => {
    const payload = await checkCertification(JSON.parse(await keys.request()), clock.ms / 1_000)
    const certificate = CertificatePayload.parse({ ...payload, issuedAt: clock.ms / 1_000, expiresAt: clock.ms / 1_000 + days * 86_400 })
    at.main.certificate = await signJws('certificate', certificate, authority)
    return certificate
  }
  return { keys, store, values, clock, at, told, certify }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => toFailure(error),
  )

describe('the first run on a workstation (R062, R078)', () => {
  test('makes two keys, shows a short fingerprint, waits, and takes the certificate over by itself', async () => {
    const { keys, at, told, certify } = workstation()
    expect(await keys.status()).toEqual({ state: 'missing', current: null, waiting: null })
    expect(await codeOf(keys.load(pin))).toEqual({ code: 'auth.keys-missing' })
    const made = await keys.create(pin)
    expect(made).toMatchObject({ state: 'waiting', current: null, waiting: { fingerprint: expect.stringMatching(/^([A-Z2-7]{4}-){3}[A-Z2-7]{4}$/) } })
    expect(await codeOf(keys.load(pin))).toEqual({ code: 'auth.keys-waiting' })
    expect((await keys.takeOver()).state).toBe('waiting')
    const { specialistKey, supportKey } = await certify()
    expect(made.waiting?.fingerprint).toBe(shortFingerprint({ specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) }))
    at.main.isAway = true
    expect(await codeOf(keys.load(pin))).toEqual({ code: 'auth.keys-waiting' })
    at.main.isAway = false
    const loaded = await keys.load(pin)
    expect([loaded.specialist.publicJwk, loaded.support.publicJwk]).toEqual([specialistKey, supportKey])
    expect(told.at(-1)).toMatchObject({ state: 'ready', waiting: null, current: { pin: true, untilMs: start + 90 * 86_400_000 } })
    const signed = await signRequest({ say: 'open' }, loaded)
    expect(requestHash(signed)).toHaveLength(43)
  })

  test('neither takes a certificate over other keys, nor one that is no certificate', async () => {
    const { keys, at, certify } = workstation()
    await keys.create(pin)
    await certify()
    const other = at.main.certificate
    await keys.create(pin)
    at.main.certificate = other
    expect((await keys.takeOver()).state).toBe('waiting')
    at.main.certificate = 'not.a.certificate'
    await expect(keys.takeOver()).rejects.toMatchObject({ code: 'auth.keys-missing' })
    expect((await keys.status()).state).toBe('waiting')
  })

  test('keys that are certified go on until new ones are, which then take their place', async () => {
    const { keys, clock, certify } = workstation()
    await keys.create(pin)
    const first = await certify()
    await keys.load(pin)
    const next = await keys.create('another-pin')
    expect(next).toMatchObject({ state: 'ready', current: { pin: true } })
    expect((await keys.load(pin)).support.publicJwk).toEqual(first.supportKey)
    clock.ms += 1_000
    const second = await certify()
    expect((await keys.load('another-pin')).support.publicJwk).toEqual(second.supportKey)
    expect(await codeOf(keys.load(pin))).toMatchObject({ code: 'auth.pin-wrong' })
  })

  test('a renewed certificate over the same keys is taken over, and one that has ended is told as that', async () => {
    const { keys, clock, at, values, certify } = workstation()
    await keys.create(pin)
    const request = values.get('certification-request') as string
    await certify(1)
    await keys.load(pin)
    clock.ms += 2 * 86_400_000
    at.main.isAway = true
    expect(await codeOf(keys.load(pin))).toEqual({ code: 'auth.certificate-expired' })
    expect((await keys.status()).state).toBe('expired')
    at.main.isAway = false
    values.set('certification-request', request)
    await certify(90)
    values.delete('certification-request')
    expect((await keys.takeOver()).state).toBe('ready')
    await keys.load(pin)
  })

  test('one of the same second is taken over when the authority’s key has changed in between, and one of an earlier second never', async () => {
    const { keys, clock, at, values, certify } = workstation()
    await keys.create(pin)
    const request = values.get('certification-request') as string
    await certify()
    await keys.load(pin)
    const first = values.get('certificate')
    const again = async () => {
      values.set('certification-request', request)
      await certify()
      values.delete('certification-request')
      await keys.takeOver()
      return values.get('certificate')
    }
    const second = await again()
    expect(second).toBe(at.main.certificate)
    expect(second).not.toBe(first)
    clock.ms -= 1_000
    expect(await again()).toBe(second)
    expect(at.main.certificate).not.toBe(second)
  })

  test('no private key lies in the keychain in clear but the one that signs with the support key beside it', async () => {
    const { keys, values, certify } = workstation()
    await keys.create(pin)
    const clear = () => [...values].flatMap(([name, value]) => (value.includes('PRIVATE KEY') ? [name] : []))
    expect(clear()).toEqual(['next-specialist-key'])
    await certify()
    await keys.load(pin)
    expect(clear()).toEqual(['specialist-key'])
    expect([...values.values()].some((value) => value.includes(pin))).toBe(false)
    for (const value of values.values()) expect(Buffer.byteLength(value)).toBeLessThan(2_500)
  })
})

describe('the PIN of the support key', () => {
  const certified = async () => {
    const made = workstation()
    await made.keys.create(pin)
    await made.certify()
    await made.keys.takeOver()
    return made
  }

  test('is asked for at each request, and not to take one back', async () => {
    const { keys } = await certified()
    expect(await codeOf(keys.load())).toEqual({ code: 'auth.pin-needed' })
    expect(await codeOf(keys.load(''))).toEqual({ code: 'auth.pin-needed' })
    expect((await keys.load(pin)).support).toBeDefined()
    expect(await codeOf(keys.load())).toEqual({ code: 'auth.pin-needed' })
    expect(Object.keys(await keys.loadSpecialist()).sort()).toEqual(['certificate', 'payload', 'specialist'])
  })

  test('wrong three times is a wait that doubles, whatever is typed meanwhile, also after a restart; the right one begins anew', async () => {
    const { keys, clock, store } = await certified()
    expect(await codeOf(keys.load('wrong-1'))).toEqual({ code: 'auth.pin-wrong', details: { triesLeft: 2 } })
    expect(await codeOf(keys.load('wrong-2'))).toEqual({ code: 'auth.pin-wrong', details: { triesLeft: 1 } })
    expect(await codeOf(keys.load('wrong-3'))).toEqual({ code: 'auth.pin-blocked', details: { seconds: 30 } })
    const again = createKeys({ store, me: async () => ({ specialist: person, certificate: null }), onChange: () => undefined, now: () => clock.ms })
    clock.ms += 29_000
    expect(await codeOf(again.load(pin))).toEqual({ code: 'auth.pin-blocked', details: { seconds: 1 } })
    clock.ms += 1_000
    expect(await codeOf(again.load('wrong-4'))).toEqual({ code: 'auth.pin-blocked', details: { seconds: 60 } })
    clock.ms += 60_000
    await again.load(pin)
    expect(await codeOf(again.load('wrong-1'))).toEqual({ code: 'auth.pin-wrong', details: { triesLeft: 2 } })
  })

  test('a try counts before it is made, and a record that was tampered with gives no fresh tries', async () => {
    const { keys, values, clock } = await certified()
    values.set('pin-tries', '{}')
    expect(await codeOf(keys.load('wrong-1'))).toMatchObject({ code: 'auth.pin-blocked' })
    clock.ms -= 365 * 86_400_000
    values.delete('certificate')
    expect(JSON.parse(values.get('pin-tries') ?? '{}')).toEqual({ wrong: 3, untilMs: start + 30_000 })
  })

  test('is six characters at least', async () => {
    const { keys, values } = workstation()
    await expect(keys.create('12345')).rejects.toMatchObject({ code: 'auth.pin-short', details: { min: 6 } })
    expect(values.size).toBe(0)
  })

  test('a support key in clear counts in a sandbox alone', async () => {
    const inClear = async (kind: SecretStore['kind']) => {
      const { keys, values } = workstation(kind)
      return readClear(keys, values)
    }
    expect(await inClear('sandbox')).toBe('none')
    expect(await inClear('keychain')).toEqual({ code: 'auth.keys-missing' })
  })

  test('a support key that is not the certificate’s is none, in a sandbox too', async () => {
    const { keys, values } = workstation('sandbox')
    await readClear(keys, values)
    values.set('support-key', privatePem(generateSigningKey()))
    expect(await codeOf(keys.load())).toEqual({ code: 'auth.keys-missing' })
  })

  /** As the sandbox makes it: both keys in clear, and a certificate over them. */
  async function readClear(keys: ReturnType<typeof createKeys>, values: Map<SecretName, string>): Promise<unknown> {
    const pair = { specialist: generateSigningKey(), support: generateSigningKey() }
    const seconds = start / 1_000
    const payload = { version: 1, specialistId: person.id, username: 'a.tester', name: 'A. Tester', employer: 'Example Service', country: 'CA' }
    const marks = { specialistKey: pair.specialist.publicJwk, supportKey: pair.support.publicJwk, issuedAt: seconds, expiresAt: seconds + 86_400 }
    values.set('specialist-key', privatePem(pair.specialist))
    values.set('support-key', privatePem(pair.support))
    values.set('certificate', await signJws('certificate', { ...payload, ...marks }, generateSigningKey()))
    return codeOf(keys.load())
  }
})

describe('workstation, security office and main server together', () => {
  const folder = mkdtempSync(join(tmpdir(), 'first-run-'))
  let server: TestServer | null = null
  afterEach(async () => {
    await server?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('keys that were born here, certified by two officers under the fingerprint that was read out, open a request; a revoked person’s do not', async () => {
    const [dir, out] = [join(folder, 'keys'), join(folder, 'out')]
    const officers = [
      { name: 'alice', passphrase: 'alice has four words' },
      { name: 'bob', passphrase: 'bob has some words too' },
    ] as const
    await createAuthority(dir, officers, { cost: 2 ** 14 })
    const authority = await openAuthority(dir)
    const agree = async (act: Act) => {
      const statement = await authority.propose(act, out)
      const [alice, bob] = [await authority.unlock('alice', officers[0].passphrase), await authority.unlock('bob', officers[1].passphrase)]
      await authority.sign(statement, [alice, bob], out)
    }
    server = await createTestServer({ authorityKey: authority.publicKey, authorityIn: out })
    const { elena } = server.people
    const client = server.client((await server.signIn(elena)).access_token)
    const { store } = memoryStore()
    const { now } = server
    const keys = createKeys({ store, me: () => client.call('specialist.me', {}), onChange: () => undefined, now })
    const { waiting } = await keys.create(pin)

    const imported = await authority.importRequest(JSON.parse(await keys.request()))
    await agree({ kind: 'certify', person: imported.person, fingerprint: waiting?.fingerprint ?? '', replaces: null })
    await server.stop()
    await server.start()
    let loaded = await keys.load(pin)
    const agent = await enrolAgent(server, server.devices.mine)
    const ask = async () => {
      await agent.poll()
      const { payload } = await signedRequest(server as TestServer, elena, (server as TestServer).devices.mine)
      const signed = await signRequest(payload, loaded)
      expect(await verifyRequest(signed, { specialist: loaded.specialist.publicJwk, support: loaded.support.publicJwk }, RequestPayload)).toEqual(payload)
      return client.call('access-request.create', { request: signed, certificate: loaded.certificate })
    }
    const { request } = await ask()
    expect(request).toMatchObject({ state: 'requested', specialist: { id: elena.id } })
    await client.call('access-request.cancel', { requestId: request.id })

    // The authority's own key was stolen, and changed at once: the certificate that lies here is none, and a sign-in brings the one that counts.
    await agree({ kind: 'rotate-key', key: await authority.makeNextKey(), until: Math.floor(now() / 1_000) - 1 })
    await server.stop()
    await server.start()
    await expect(ask()).rejects.toMatchObject({ code: 'access.certificate-bad', details: undefined })
    const watch = watchForCertificate(keys, { info: () => undefined } as never)
    watch.look()
    await expect.poll(async () => (await keys.load(pin)).certificate).toBe(authority.certificateOf(elena.id))
    loaded = await keys.load(pin)
    watch.stop()
    await client.call('access-request.cancel', { requestId: (await ask()).request.id })

    await agree({ kind: 'revoke', specialistId: elena.id, username: elena.username, reason: 'lost the workstation' })
    await server.stop()
    await server.start()
    await expect(ask()).rejects.toMatchObject({ code: 'access.certificate-bad', details: { what: 'roster' } })
    authority.close()
  })
})
