import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ClientApi } from '@gantry/shared/client-api.ts'
import type { Input } from '@gantry/shared/contract.ts'
import { createCa } from '@gantry/shared/node/certificates.ts'
import { newNonce, readUnverified, signJws } from '@gantry/shared/node/signing.ts'
import type { AnswerPayload } from '@gantry/shared/ticket.ts'
import { CertificatePayload, type CompactJws, TicketPayload } from '@gantry/shared/ticket.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { changeDirectory, eventsOf, firstCustomer } from '../../../test/support/directory.ts'
import { type MailServer, openMailServer } from '../../../test/support/mail-server.ts'
import { createTestServer, type TestPerson, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../../test/support/test-agent.ts'
import { MailSettings, WebhookSettings } from '../notice-settings.ts'
import { NoticeContacts, type Seed } from '../seed.ts'

let server: TestServer
let agent: TestAgent
let elena: ReturnType<TestServer['client']>
let tomas: ReturnType<TestServer['client']>

let mail: MailServer
const folder = mkdtempSync(join(tmpdir(), 'policy-'))

beforeAll(async () => {
  const ca = await createCa('Mail')
  mail = await openMailServer(ca)
  const caFile = join(folder, 'mail-ca.pem')
  writeFileSync(caFile, ca.certificatePem)
  const settings = MailSettings.parse({ host: '127.0.0.1', port: mail.port, tls: 'implicit', from: 'notices@norvane.example', caFile })
  server = await createTestServer({ notices: { mail: settings, webhook: WebhookSettings.parse({}) } })
  agent = await enrolAgent(server, server.devices.mine)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
  tomas = server.client((await server.signIn(server.people.tomas)).access_token)
})
afterAll(async () => {
  await server.close()
  await mail.close()
  rmSync(folder, { recursive: true })
})

const events = () => eventsOf(server)
const change = (edit: (seed: Seed) => void) => changeDirectory(server, edit)

async function ask(client: typeof elena, person: TestPerson, { caseId = '48213', certificate = person.certificate, access = 'files' } = {}) {
  const { signed } = await signedRequest(server, person, server.devices.mine, { caseId, access })
  await agent.poll()
  return (await client.call('access-request.create', { request: signed, certificate })).request
}

const entitlement = (seed: Seed) => {
  const found = seed.customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices)).find(({ id }) => id === server.devices.mine.id)
  return found?.entitlement as NonNullable<NonNullable<typeof found>['entitlement']>
}

describe('the directory’s word reaches each step of the policy', () => {
  const first = (seed: Seed) => seed.specialists[0] as Seed['specialists'][number]
  const refusing: [string, string, (seed: Seed) => void][] = [
    ['access.not-trained', 'requireTraining', (seed) => Object.assign(first(seed), { training: [{ model: 'nv-520', until: '2020-01-01' }] })],
    ['access.not-screened', 'requireScreening', (seed) => Object.assign(first(seed), { screenedOn: null })],
    ['access.plan-not-acknowledged', 'requirePlanAcknowledged', (seed) => Object.assign(first(seed), { planAcknowledgedOn: null })],
    ['access.posture', 'requirePosture', (seed) => Object.assign(seed, { posture: { minimumVersion: '99.0.0' } })],
    ['access.posture', 'requirePosture', (seed) => Object.assign(firstCustomer(seed), { posture: { diskEncryption: true } })],
    ['access.not-entitled', 'requireEntitlement', (seed) => Object.assign(entitlement(seed), { kind: 'warranty', endsOn: '2020-12-31' })],
    ['access.not-entitled', 'requireEntitlement', (seed) => Object.assign(entitlement(seed), { kind: 'per-call', calls: ['48213'], startsOn: '2099-01-01' })],
    ['access.terms-missing', 'requireTerms', (seed) => Object.assign(entitlement(seed), { terms: { ...entitlement(seed).terms, acceptedOn: '2099-01-01' } })],
    ['access.terms-missing', 'requireTerms', (seed) => Object.assign(entitlement(seed), { terms: null })],
    ['access.call-not-paid', 'requirePaidCall', (seed) => Object.assign(entitlement(seed), { kind: 'per-call', calls: ['1'] })],
    [
      'access.quiet-hours',
      'requireLoudHours',
      (seed) =>
        Object.assign(firstCustomer(seed).sites[0] ?? {}, {
          quietHours: [
            { from: '00:00', until: '23:59' },
            { from: '23:59', until: '00:00' },
          ],
        }),
    ],
    ['access.change-missing', 'requireChange', (seed) => Object.assign(firstCustomer(seed), { changeControl: { levels: ['files'], changes: [] } })],
    [
      'access.escalation-needed',
      'requireOrigin',
      (seed) => Object.assign(firstCustomer(seed), { origins: [{ country: 'CA', tiers: [2], onEscalation: true }] }),
    ],
  ]
  test('a request is audited with the version of the terms that the customer accepted, and when (R016)', async () => {
    const { id } = await ask(elena, server.people.elena)
    const asked = events().find(({ kind, requestId }) => kind === 'access.requested' && requestId === id)
    expect(asked?.data).toMatchObject({ terms: '1', termsAcceptedOn: '2020-01-01' })
    await elena.call('access-request.cancel', { requestId: id })
  })

  test.each(refusing)('%s by %s, audited with both, and passed again when it is taken back (R010, R016, R018, R075, R088)', async (code, step, edit) => {
    let before = ''
    await change((seed) => {
      before = JSON.stringify(seed)
      edit(seed)
    })
    await expect(ask(elena, server.people.elena)).rejects.toMatchObject({ code })
    expect(events().at(-1)).toMatchObject({ kind: 'access.refused', data: { step, code } })
    await change((seed) => Object.assign(seed, { posture: {} }, JSON.parse(before)))
    const { id } = await ask(elena, server.people.elena)
    await elena.call('access-request.cancel', { requestId: id })
  })

  test('a workstation that meets what operator and customer require gets in, and stands in the audit as it says of itself; no other does (R088)', async () => {
    await change((seed) => {
      Object.assign(seed, { posture: { minimumVersion: '1.2.0' } })
      Object.assign(firstCustomer(seed), { posture: { diskEncryption: true } })
    })
    const from = async (posture: Input<ClientApi, 'access-request.create'>['posture']) => {
      const { signed } = await signedRequest(server, server.people.elena, server.devices.mine, { caseId: '48213', access: 'files' })
      await agent.poll()
      return elena.call('access-request.create', { request: signed, certificate: server.people.elena.certificate, ...(posture && { posture }) })
    }
    const fit = { version: '1.2.0', os: 'linux', diskEncryption: 'on' } as const
    await expect(from(undefined)).rejects.toMatchObject({ code: 'access.posture', details: { reason: 'unsaid' } })
    await expect(from({ ...fit, version: '1.1.0' })).rejects.toMatchObject({ code: 'access.posture', details: { reason: 'version' } })
    await expect(from({ ...fit, diskEncryption: 'unknown' })).rejects.toMatchObject({ code: 'access.posture', details: { reason: 'disk-unknown' } })
    await expect(from({ ...fit, version: '1.2.0 or newer' })).rejects.toMatchObject({ code: 'contract.bad-input' })
    const { request } = await from(fit)
    expect(events().find(({ kind, requestId }) => kind === 'access.requested' && requestId === request.id)?.data).toMatchObject({
      clientVersion: '1.2.0',
      os: 'linux',
      diskEncryption: 'on',
    })
    await elena.call('access-request.cancel', { requestId: request.id })
    await change((seed) => {
      delete seed.posture
      delete firstCustomer(seed).posture
    })
  })

  test('an approved change lets in for its window, stands in the audit with who approved it, and the session ends with it (R106)', async () => {
    const window = { from: new Date(server.now() - 60_000).toISOString(), until: new Date(server.now() + 240_000).toISOString() }
    const approved = { number: 'CHG-0042', approver: 'Change board of Riverside', devices: [server.devices.mine.id], ...window }
    await change((seed) => Object.assign(firstCustomer(seed), { changeControl: { levels: ['files'], changes: [approved] } }))
    const view = await ask(elena, server.people.elena)
    expect(events().find(({ kind, requestId }) => kind === 'access.requested' && requestId === view.id)?.data).toMatchObject({
      change: 'CHG-0042',
      approver: 'Change board of Riverside',
    })
    server.clock.aheadMs += 240_000
    await vi.waitFor(async () => {
      expect(await elena.call('access-request.show', { requestId: view.id })).toMatchObject({ state: 'refused', refusal: { code: 'access.change-missing' } })
    }, 10_000)
    await change((seed) => Object.assign(firstCustomer(seed), { changeControl: undefined }))
  })
})

describe('the profile in the ticket (R072, R073)', () => {
  const grantOfElena = (seed: Seed) => seed.profiles[0]?.grants[0] as Seed['profiles'][number]['grants'][number]
  const narrow = { files: { toDevice: false, fromDevice: true, maxFileBytes: 1_000 }, actions: ['diagnostics.collect' as const], patientData: true }

  test('a ticket carries what the profile holds for that level there; a profile without patient data gets no level that could meet it', async () => {
    await change((seed) => Object.assign(grantOfElena(seed), narrow))
    const { id, ticket } = await ask(elena, server.people.elena)
    expect(readUnverified(ticket, TicketPayload, 'ticket.bad')).toMatchObject({ limits: narrow, ask: false })
    await elena.call('access-request.cancel', { requestId: id })
    await change((seed) => Object.assign(grantOfElena(seed), { patientData: false }))
    await expect(ask(elena, server.people.elena)).rejects.toMatchObject({ code: 'access.patient-data' })
    const { id: allowed } = await ask(elena, server.people.elena, { access: 'diagnostics' })
    await elena.call('access-request.cancel', { requestId: allowed })
  })

  test('what a profile loses ends what rests on it, and what it gains does not', async () => {
    await change((seed) => Object.assign(grantOfElena(seed), narrow))
    const { id } = await ask(elena, server.people.elena)
    await change((seed) => Object.assign(grantOfElena(seed), { files: { ...narrow.files, toDevice: true } }))
    expect(await elena.call('access-request.show', { requestId: id })).toMatchObject({ state: 'requested' })
    await change((seed) => Object.assign(grantOfElena(seed), { files: { ...narrow.files, maxFileBytes: 999 } }))
    await vi.waitFor(async () => {
      expect(await elena.call('access-request.show', { requestId: id })).toMatchObject({ state: 'refused', refusal: { code: 'access.profile-narrowed' } })
    }, 10_000)
    await change((seed) => Object.assign(grantOfElena(seed), narrow, { files: { toDevice: true, fromDevice: true, maxFileBytes: 1_000 } }))
  })

  test('another model, or another site, is not that profile’s: it answers as a device that is not there', async () => {
    for (const edit of [{ models: ['another'] }, { customers: [], sites: [] }]) {
      let before = ''
      await change((seed) => {
        before = JSON.stringify(seed)
        Object.assign(grantOfElena(seed), edit)
      })
      await expect(ask(elena, server.people.elena)).rejects.toMatchObject({ code: 'device.unknown' })
      expect((await elena.call('device.list', {})).devices).toEqual([])
      await change((seed) => Object.assign(seed, { posture: {} }, JSON.parse(before)))
    }
    await change((seed) => {
      const { customers: _, ...grant } = grantOfElena(seed)
      const sites = firstCustomer(seed).sites.map(({ id }) => id)
      Object.assign(seed.profiles[0] ?? {}, { grants: [{ ...grant, sites, models: ['nv-520'] }] })
    })
    const { id } = await ask(elena, server.people.elena)
    await elena.call('access-request.cancel', { requestId: id })
  })
})

describe('country, tier, escalation and the device’s answer (D16, R082-R084)', () => {
  const certified = (person: TestPerson, country: string): Promise<CompactJws> => {
    return signJws('certificate', { ...readUnverified(person.certificate, CertificatePayload, 'internal'), country }, server.authority)
  }
  const place = (seed: Seed, username: string, country: string, tier: number) => {
    Object.assign(seed.specialists.find((one) => one.username === username) ?? {}, { country, tier })
  }
  const answers: { answer: AnswerPayload['answer']; state: string }[] = [
    { answer: { kind: 'approved', by: 'person', hostKey: '' }, state: 'approved' },
    { answer: { kind: 'refused', code: 'access.refused' }, state: 'refused' },
    { answer: { kind: 'refused', code: 'access.no-answer' }, state: 'refused' },
  ]

  /** One that a colleague in the United States began; escalated to the person or not. */
  async function caseFor(number: string, escalated: boolean): Promise<void> {
    const { id } = await ask(tomas, server.people.tomas, { caseId: number, access: 'diagnostics', certificate: await certified(server.people.tomas, 'US') })
    await tomas.call('access-request.cancel', { requestId: id })
    const found = (await tomas.call('case.list', {})).cases.find((one) => one.number === number)
    if (escalated && found) await tomas.call('case.escalate', { customerId: found.customerId, number, to: 'elena', reason: 'needs tier 3' })
  }

  const places = ['US', 'CA', 'FR', 'ZZ'].flatMap((country) => [1, 2, 3].map((tier) => ({ country, tier })))
  test.each(places)('$country, tier $tier: as the default list says, on the real server', async ({ country, tier }) => {
    await change((seed) => {
      delete firstCustomer(seed).origins
      firstCustomer(seed).notices = NoticeContacts.parse({ language: 'en', mail: ['it@riverside.example'] })
      place(seed, 'tomas', 'US', 1)
      place(seed, 'elena', country, tier)
    })
    const certificate = await certified(server.people.elena, country)
    let noticed = 0
    for (const escalated of [true, false]) {
      const caseId = `${country}-${tier}-${escalated}`
      await caseFor(caseId, escalated)
      const allowed = country === 'US' || (country === 'CA' && tier === 3 && escalated)
      for (const { answer, state } of answers) {
        const asked = ask(elena, server.people.elena, { caseId, certificate })
        if (!allowed) {
          const code = country !== 'CA' ? 'country-not-allowed' : tier === 3 ? 'escalation-needed' : 'tier-not-allowed'
          await expect(asked).rejects.toMatchObject({ code: `access.${code}`, details: { country, tier } })
          continue
        }
        const { id, ticket } = await asked
        // Whoever comes in by escalation alone may be refused at the device, whatever its own rule (R084).
        expect(readUnverified(ticket, TicketPayload, 'ticket.bad').ask).toBe(country === 'CA')
        // And the customer's contact has the notice before the device hears of it; of others there is none.
        await expect.poll(async () => (await agent.poll()).some((one) => one.kind === 'access-request' && one.ticket === ticket)).toBe(true)
        expect(mail.mails.filter(({ headers }) => headers.some((line) => line.includes(caseId)))).toHaveLength(country === 'CA' ? ++noticed : 0)
        await agent.answer(ticket, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey })
        await agent.answer(ticket, answer.kind === 'approved' ? { ...answer, hostKey: agent.hostKey } : answer)
        const view = await elena.call('access-request.show', { requestId: id })
        expect(view.state).toBe(state)
        if (answer.kind === 'refused') expect(view.refusal).toMatchObject({ code: answer.code })
        await elena.call('access-request.cancel', { requestId: id })
      }
    }
  })
})
