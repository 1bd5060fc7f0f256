import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMainServer } from '../../cloud/main-server/app.ts'
import { Config } from '../../cloud/main-server/config.ts'
import type { Grant, Seed } from '../../cloud/main-server/seed.ts'
import { codeOf, stepAt } from '../../cloud/main-server/sign-in/totp.ts'
import { clientApi } from '../../shared/client-api.ts'
import { type DeviceId, newId, type SpecialistId } from '../../shared/ids.ts'
import { createApiClient } from '../../shared/node/api-client.ts'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { createDialler, type Dial } from '../../shared/node/dial.ts'
import { generateSigningKey, type SigningKey, signJws, thumbprint } from '../../shared/node/signing.ts'
import type { CertificatePayload, CompactJws, RosterPayload } from '../../shared/ticket.ts'
import { authorization, createBrowser, exchange, follow, form, proverOf, type Tokens } from './sign-in-browser.ts'

export type TestPerson = {
  id: SpecialistId
  username: string
  password: string
  totpSecret: string
  keys: { specialist: SigningKey; support: SigningKey }
  certificate: CompactJws
}
export type TestDevice = { id: DeviceId; name: string; secret: string }

/** A real main server on loopback TLS in a folder of its own, and the keys that its people hold. */
export type TestServer = {
  origin: string
  agentOrigin: string
  ca: string
  /** Under that CA. */
  dial: Dial
  stateDir: string
  authorityIn: string
  authority: SigningKey
  /** How far the server's clock runs ahead. */
  clock: { aheadMs: number }
  now(): number
  people: Record<'elena' | 'tomas', TestPerson>
  devices: Record<'mine' | 'second' | 'hidden' | 'lapsed' | 'off', TestDevice>
  codeFor(person: TestPerson): string
  /** A visit to the pages, up to the code: what the token endpoint is to be given. `change` as in `authorization`. Moves the clock on as `signIn` does. */
  visit(person: TestPerson, change?: Record<string, string>): Promise<Record<string, string>>
  /** Through the pages. Moves the clock on to the next code first, since each counts once. */
  signIn(person: TestPerson): Promise<Tokens>
  client(accessToken: string, key?: SigningKey): ReturnType<typeof createApiClient<typeof clientApi>>
  putRoster(change?: Partial<RosterPayload>): Promise<CompactJws>
  /** Writes the directory file anew. */
  changeSeed(change: (seed: Seed) => void): void
  stop(): Promise<void>
  /** On the same folder and ports. */
  start(): Promise<void>
  close(): Promise<void>
}

const daySeconds = 86_400

/** `changeSeed`: what the directory file says from the start on. */
export async function createTestServer(
  change: Partial<Config> = {},
  changeSeed: (seed: Seed, people: TestServer['people']) => void = () => {},
): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'main-'))
  const authority = generateSigningKey()
  const clock = { aheadMs: 0 }
  const now = () => Date.now() + clock.aheadMs
  const people = { elena: await createPerson('elena', authority), tomas: await createPerson('tomas', authority) }
  const devices = { mine: device('CT Suite 3'), second: device('CT Suite 4'), hidden: device('MR 1'), lapsed: device('MR 2'), off: device('Angio 1') }
  const ca = await createCa('Test servers')
  const { certificatePem, keyPem } = await issueServerCertificate(ca, { hosts: ['127.0.0.1', 'localhost', 'main.example'] })
  const dial = createDialler({ ca: ca.certificatePem })
  const authorityIn = join(folder, 'authority-in')
  mkdirSync(join(authorityIn, 'certificates'), { recursive: true })
  const put = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  writeFileSync(join(authorityIn, 'certificates', 'elena.jws'), people.elena.certificate)
  const seed = seedOf(people, devices)
  changeSeed(seed, people)
  const config = Config.parse({
    stateDir: join(folder, 'state'),
    name: 'Test',
    host: '127.0.0.1',
    peoplePort: 0,
    agentPort: 0,
    tls: { cert: put('tls.pem', certificatePem), key: put('tls.key', keyPem) },
    publicHost: '127.0.0.1',
    otherNames: ['main.example'],
    authorityKey: authority.publicJwk,
    authorityIn,
    seedFile: put('seed.json', JSON.stringify(seed)),
    sandbox: true,
    accessServers: [1, 2].map((number) => ({ name: `access-${number}`, site: number === 1 ? 'East' : 'West', host: '127.0.0.1', port: number })),
    ...change,
  })
  const putRoster = async (rosterChange: Partial<RosterPayload> = {}) => {
    const seconds = Math.floor(now() / 1000)
    const entries = Object.values(people).map(({ id, username, keys }) => {
      return { specialistId: id, username, specialistKey: thumbprint(keys.specialist.publicJwk), supportKey: thumbprint(keys.support.publicJwk) }
    })
    const roster: RosterPayload = { version: 1, number: 1, issuedAt: seconds - 60, expiresAt: seconds + 14 * daySeconds, specialists: entries, ...rosterChange }
    const jws = await signJws('roster', roster, authority)
    writeFileSync(join(authorityIn, 'roster.jws'), jws)
    return jws
  }
  await putRoster()
  let server = await startMainServer(config, { now })
  const { peopleOrigin: origin, agentOrigin } = server
  const again = { ...config, peoplePort: Number(new URL(origin).port), agentPort: Number(new URL(agentOrigin).port) }
  const codeFor = ({ totpSecret }: TestPerson) => codeOf(totpSecret, stepAt(now()))
  const visit = (person: TestPerson, change: Record<string, string> = {}) => {
    clock.aheadMs += 30_000
    return walkThroughPages(origin, ca.certificatePem, { person, code: codeFor(person), change })
  }
  return {
    ...{ origin, agentOrigin, ca: ca.certificatePem, dial, stateDir: config.stateDir, authorityIn, authority, clock, now, people, devices, codeFor, putRoster },
    visit,
    async signIn(person) {
      return JSON.parse((await exchange(origin, ca.certificatePem, await visit(person))).text) as Tokens
    },
    client(accessToken, key) {
      return createApiClient(clientApi, { origin, prefix: '/api/v1/', dial, keepAlive: false, ...proverOf(accessToken, key) })
    },
    changeSeed(change) {
      const path = join(folder, 'seed.json')
      const seed = JSON.parse(readFileSync(path, 'utf8')) as Seed
      change(seed)
      writeFileSync(path, JSON.stringify(seed))
    },
    stop: () => server.close(),
    async start() {
      server = await startMainServer(again, { now })
    },
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Walk = { person: TestPerson; code: string; change: Record<string, string> }
async function walkThroughPages(origin: string, ca: string, { person, code, change }: Walk): Promise<Record<string, string>> {
  const browser = createBrowser(origin, ca)
  const { url, verifier, redirect } = authorization(origin, change)
  const page = await follow(browser, origin, await browser.visit(url))
  const address = page.headers.location ?? ''
  await browser.visit(address, form({ username: person.username, password: person.password }))
  const { left } = await follow(browser, origin, await browser.visit(address, form({ code })))
  return { grant_type: 'authorization_code', code: left?.searchParams.get('code') ?? '', code_verifier: verifier, redirect_uri: redirect }
}

async function createPerson(username: string, authority: SigningKey): Promise<TestPerson> {
  const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
  const id = newId<SpecialistId>('spc')
  const seconds = Math.floor(Date.now() / 1000)
  const payload: CertificatePayload = {
    version: 1,
    specialistId: id,
    username,
    name: `${username} of the test`,
    employer: 'Norvane Service',
    country: 'CA',
    specialistKey: keys.specialist.publicJwk,
    supportKey: keys.support.publicJwk,
    issuedAt: seconds - 1_000,
    expiresAt: seconds + 90 * daySeconds,
  }
  const totpSecret = newId('x', (bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
    .slice(2)
    .toUpperCase()
    .padEnd(32, 'A')
  return { id, username, password: `a long password of ${username}`, totpSecret, keys, certificate: await signJws('certificate', payload, authority) }
}

/** What a grant is where it says no more than its levels. */
export const nothingElse: Pick<Grant, 'files' | 'actions' | 'patientData'> = {
  files: { toDevice: false, fromDevice: false, maxFileBytes: 0 },
  actions: [],
  patientData: false,
}

function device(name: string): TestDevice {
  return { id: newId<DeviceId>('dev'), name, secret: newId('one') }
}

function seedOf({ elena, tomas }: TestServer['people'], { mine, second, hidden, lapsed, off }: TestServer['devices']): Seed {
  const everything = { files: { toDevice: true, fromDevice: true, maxFileBytes: 1024 ** 4 }, actions: '*' as const, patientData: true }
  const agreement = {
    kind: 'agreement' as const,
    name: 'Full service',
    startsOn: '2020-01-01',
    endsOn: '2099-12-31',
    terms: { version: '1', acceptedOn: '2020-01-01', by: 'Site manager' },
    calls: [],
  }
  const seeded = ({ id, name, secret }: TestDevice, endsOn = agreement.endsOn) => {
    return {
      id,
      name,
      serial: `SN ${name}`,
      model: 'nv-520',
      enrolmentSecret: secret,
      connectivity: 'on' as const,
      practice: false,
      disabled: false,
      subscriptions: [],
      entitlement: { ...agreement, endsOn },
    }
  }
  const site = (name: string, devices: Seed['customers'][number]['sites'][number]['devices']) => {
    return {
      id: newId<`sit_${string}` & never>('sit'),
      name,
      city: 'Laval',
      country: 'CA',
      timeZone: 'America/Toronto',
      contact: null,
      quietHours: [],
      devices,
    }
  }
  const [ours, theirs] = [newId<Seed['customers'][number]['id']>('cus'), newId<Seed['customers'][number]['id']>('cus')]
  const person = ({ id, username, password, totpSecret }: TestPerson, profile: string) => {
    return {
      id,
      username,
      name: `${username} of the test`,
      employer: 'Norvane Service',
      country: 'CA',
      city: 'Laval',
      tier: 2,
      training: [{ model: '*', until: '2099-12-31' }],
      screenedOn: '2020-01-01',
      planAcknowledgedOn: '2020-01-01',
      profile,
      disabled: false,
      password,
      totpSecret,
    }
  }
  // The people of these tests work in Canada, which the default list admits on escalation alone.
  const fromCanada = [{ country: 'CA', tiers: [1, 2, 3], onEscalation: false }]
  return {
    sandbox: true,
    organisation: 'Norvane',
    signIns: 'several',
    customers: [
      {
        id: ours,
        name: 'Riverside Hospital',
        origins: fromCanada,
        sites: [site('East wing', [seeded(mine), seeded(second), seeded(lapsed, '2021-01-01'), { ...seeded(off), connectivity: 'off' }])],
      },
      { id: theirs, name: 'Hill Clinic', origins: fromCanada, sites: [site('Main', [seeded(hidden)])] },
    ],
    models: [{ id: 'nv-520', name: 'NV 520', kind: 'injector' }],
    profiles: [
      { id: 'all-levels', name: 'All levels', grants: [{ customers: [ours], levels: ['diagnostics', 'files', 'application', 'os'], ...everything }] },
      { id: 'first-line', name: 'First line', grants: [{ devices: [mine.id], levels: ['diagnostics'], ...nothingElse, actions: ['diagnostics.collect'] }] },
    ],
    specialists: [person(elena, 'all-levels'), person(tomas, 'first-line')],
    supportContacts: [{ region: 'Canada', phone: '+1 555 0100', mail: 'support@norvane.example' }],
  }
}
