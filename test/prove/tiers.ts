import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCa } from '@gantry/shared/node/certificates.ts'
import { readUnverified, signJws } from '@gantry/shared/node/signing.ts'
import { CertificatePayload, type CompactJws } from '@gantry/shared/ticket.ts'
import { MailSettings, WebhookSettings } from '../../cloud/main-server/notice-settings.ts'
import { NoticeContacts, type Seed } from '../../cloud/main-server/seed.ts'
import { changeDirectory, firstCustomer } from '../support/directory.ts'
import { type MailServer, openMailServer } from '../support/mail-server.ts'
import { createTestServer, type TestPerson, type TestServer } from '../support/main-server.ts'
import { signedRequest } from '../support/test-agent.ts'
import { codeOf, type Proof, type Row, row } from './proof.ts'
import { openWatchedDevice, type WatchedDevice } from './world/watched-device.ts'

export const tiers: Proof = {
  name: 'tiers',
  title: 'Who comes in from where: country, tier, escalation and the answer at the device',
  covers: ['D16', 'R082', 'R083', 'R084'],
  method:
    'A real main server with the default list of countries and tiers, signed in to through its pages; a real agent, enrolled there, with a policy that asks at its front panel; the panel itself, over its path socket; a real SMTP server for the customer’s contact. For each country, tier and escalation a specialist whose certificate says that country asks three times: the person at the panel allows, refuses, and lets it ring. A colleague in the United States begins each case, and hands it on where it is to be escalated. At the end once with the time that a device gives by default.',
  limits: [
    'All parts run in one process on one machine, and what opens is noted in place of a shell: how a session runs is in other proofs.',
    'Within the table a question rings for 15 s, the shortest that a policy can say.',
  ],
  async run({ quick, say }) {
    const world = await openWorld()
    try {
      const cells = cellsOf(quick)
      const played: Played[] = []
      for (const cell of cells) {
        played.push(...(await playCell(world, cell)))
        say(`${nameOf(cell)}: ${played.slice(-3).map(({ outcome }) => outcome)}`)
      }
      return [...judge(played), ...(quick ? [] : [await byDefault(world)])]
    } finally {
      await world.close()
    }
  },
}

const ringSeconds = 15
const presses = ['allow', 'refuse', 'nothing'] as const
type Press = (typeof presses)[number]
type Cell = { country: string; tier: number; escalated: boolean }
/** `outcome`: `opened`, or the code of the refusal. */
type Played = Cell & { press: Press; outcome: string; rang: boolean; toldBefore: boolean; shownRight: boolean }

const nameOf = ({ country, tier, escalated }: Cell) => `${country}, tier ${tier}${escalated ? ', escalated' : ''}`

function cellsOf(quick: boolean): Cell[] {
  const all = ['US', 'CA', 'FR', 'ZZ'].flatMap((country) => [1, 2, 3].flatMap((tier) => [true, false].map((escalated) => ({ country, tier, escalated }))))
  return quick ? all.filter(({ tier }) => tier === 3) : all
}

/** The goal's table (D16). */
function expected({ country, tier, escalated, press }: Cell & { press: Press }): string {
  if (country !== 'US' && country !== 'CA') return 'access.country-not-allowed'
  if (country === 'CA' && tier < 3) return 'access.tier-not-allowed'
  if (country === 'CA' && !escalated) return 'access.escalation-needed'
  return { allow: 'opened', refuse: 'access.refused', nothing: 'access.no-answer' }[press]
}

function judge(played: readonly Played[]): Row[] {
  const count = (what: string, bound: string, among: readonly Played[], holds: (one: Played) => boolean) => {
    const good = among.filter(holds)
    const bad = among.filter((one) => !good.includes(one)).map((one) => `${nameOf(one)}, ${one.press}: ${one.outcome}`)
    return row(
      what,
      `${bound}: ${among.length} of ${among.length}`,
      [`${good.length} of ${among.length}`, ...bad].join('; '),
      among.length > 0 && bad.length === 0,
    )
  }
  const asTold = (one: Played) => one.outcome === expected(one)
  const of = (which: (one: Played) => boolean) => played.filter(which)
  const admitted = of((one) => expected({ ...one, press: 'allow' }) === 'opened')
  const shut = of((one) => !admitted.includes(one))
  return [
    count(
      'United States, every tier, escalated or not: opened, refused, no answer is a refusal',
      'as the table',
      of(({ country }) => country === 'US'),
      asTold,
    ),
    count(
      'Canada, tier 3, on a case that was escalated: the same',
      'as the table',
      of((one) => one.country === 'CA' && admitted.includes(one)),
      asTold,
    ),
    count(
      'Canada otherwise: refused, with the reason',
      'as the table',
      of((one) => one.country === 'CA' && shut.includes(one)),
      asTold,
    ),
    count(
      'France, and a country that no list names: refused, with the reason',
      'as the table',
      of(({ country }) => country === 'FR' || country === 'ZZ'),
      asTold,
    ),
    count(
      'of those refused by country, tier or escalation: nothing rang at the panel, no notice went out',
      'all',
      shut,
      ({ rang, toldBefore }) => !rang && !toldBefore,
    ),
    count('of the others: the panel showed that country, and the code that the specialist sees', 'all', admitted, ({ shownRight }) => shownRight),
    count(
      'from Canada: the customer’s contact had the notice when the panel rang; from the United States none is owed',
      'all',
      admitted,
      (one) => one.toldBefore === (one.country === 'CA'),
    ),
  ]
}

type World = { server: TestServer; mail: MailServer; device: WatchedDevice; close(): Promise<void> }

async function openWorld(): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'tiers-'))
  const ca = await createCa('Mail')
  const mail = await openMailServer(ca)
  const caFile = join(folder, 'mail-ca.pem')
  writeFileSync(caFile, ca.certificatePem)
  const settings = MailSettings.parse({ host: '127.0.0.1', port: mail.port, tls: 'implicit', from: 'notices@norvane.example', caFile })
  const secret = 'abcdefghijklmnopqrst'
  const server = await createTestServer({ notices: { mail: settings, webhook: WebhookSettings.parse({}) } }, (seed) => {
    delete firstCustomer(seed).origins
    firstCustomer(seed).notices = NoticeContacts.parse({ language: 'en', mail: ['it@riverside.example'] })
    Object.assign(firstCustomer(seed).sites[0]?.devices[0] ?? {}, { enrolmentSecret: secret })
  })
  const device = await openWatchedDevice({ server, secret, policy: { answerSeconds: ringSeconds } })
  return {
    ...{ server, mail, device },
    async close() {
      await device.close()
      await server.close()
      await mail.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function certified({ server }: World, person: TestPerson, country: string): Promise<CompactJws> {
  return signJws('certificate', { ...readUnverified(person.certificate, CertificatePayload, 'internal'), country }, server.authority)
}

async function playCell(world: World, cell: Cell): Promise<Played[]> {
  const { server } = world
  await changeDirectory(server, (seed) => {
    place(seed, 'tomas', { country: 'US', tier: 1 })
    place(seed, 'elena', cell)
    // Two directories that say the same are one change too few.
    seed.organisation = `Norvane ${server.now()}`
  })
  const caseId = `${cell.country}-${cell.tier}-${cell.escalated}`
  await beginCase(world, caseId, cell.escalated)
  const played: Played[] = []
  for (const press of presses) played.push({ ...cell, press, ...(await playOne(world, { cell, caseId, press })) })
  return played
}

function place({ specialists }: Seed, username: string, { country, tier }: Pick<Cell, 'country' | 'tier'>): void {
  Object.assign(specialists.find((one) => one.username === username) ?? {}, { country, tier })
}

async function beginCase(world: World, number: string, escalated: boolean): Promise<void> {
  const { server } = world
  const { tomas } = server.people
  const client = server.client((await server.signIn(tomas)).access_token)
  await heard(server, client)
  const { signed } = await signedRequest(server, tomas, server.devices.mine, { caseId: number, access: 'diagnostics' })
  const { request } = await client.call('access-request.create', { request: signed, certificate: await certified(world, tomas, 'US') })
  await client.call('access-request.cancel', { requestId: request.id })
  const found = (await client.call('case.list', {})).cases.find((one) => one.number === number)
  if (!found) throw new Error('the case did not begin')
  if (escalated) await client.call('case.escalate', { customerId: found.customerId, number, to: 'elena', reason: 'It needs somebody else' })
}

type One = { cell: Pick<Cell, 'country'>; caseId: string; press: Press }

async function playOne(world: World, { cell, caseId, press }: One): Promise<Omit<Played, keyof Cell | 'press'>> {
  const { server, mail, device } = world
  const { elena } = server.people
  const client = server.client((await server.signIn(elena)).access_token)
  await heard(server, client)
  const { signed, nonce, payload } = await signedRequest(server, elena, server.devices.mine, { caseId })
  const noticesOf = () => mail.mails.filter(({ headers }) => headers.some((line) => line.includes(caseId))).length
  const before = noticesOf()
  let told = false
  const forgetRing = device.onRing(payload.id, () => {
    told = noticesOf() > before
  })
  try {
    const created = await client.call('access-request.create', { request: signed, certificate: await certified(world, elena, cell.country) })
    const { ticket } = created.request
    const show = () => client.call('access-request.show', { requestId: payload.id })
    const pickedUp = await untilTrue('the device to pick it up', async () => (await show()).answers.length > 0)
    if (pickedUp) await client.call('access-request.reveal', { requestId: payload.id, nonce })
    const question = await device.question(payload.id)
    const code = device.codeOf({ ticket, payload, nonce, answers: (await show()).answers })
    if (press !== 'nothing') device.press(payload.id, press === 'allow')
    await untilTrue('an outcome', async () => ['open', 'refused', 'ended'].includes((await show()).state))
    const view = await show()
    const outcome = view.state === 'open' && device.opened(payload.id) ? 'opened' : (view.refusal?.code ?? view.state)
    await client.call('access-request.cancel', { requestId: payload.id })
    await untilTrue('its end', async () => ['refused', 'ended'].includes((await show()).state))
    return { outcome, rang: true, toldBefore: told, shownRight: question.country === cell.country && question.code === code }
  } catch (error) {
    return { outcome: codeOf(error), rang: device.rang(payload.id), toldBefore: noticesOf() > before, shownRight: false }
  } finally {
    forgetRing()
  }
}

/** Each sign-in puts the server's clock half a minute on, and a device that was not heard since then is offline. */
function heard({ devices, now }: TestServer, client: ReturnType<TestServer['client']>): Promise<true> {
  const look = async () => (await client.call('device.show', { deviceId: devices.mine.id })).device.lastContactMs ?? 0
  return untilTrue('the device to be heard', async () => (await look()) > now() - 20_000)
}

async function untilTrue(what: string, look: () => Promise<boolean>): Promise<true> {
  for (const end = performance.now() + 150_000; performance.now() < end; await sleep(50)) if (await look()) return true
  throw new Error(`waited in vain for ${what}`)
}

/** Nobody comes to the panel, and the policy says nothing of how long it rings. */
async function byDefault(world: World): Promise<Row> {
  const { device } = world
  await device.setPolicy({})
  await changeDirectory(world.server, (seed) => place(seed, 'elena', { country: 'US', tier: 3 }))
  const start = performance.now()
  const { outcome } = await playOne(world, { cell: { country: 'US' }, caseId: 'by-default', press: 'nothing' })
  const seconds = (performance.now() - start) / 1_000
  const found = `${outcome} after ${seconds.toFixed(1)} s`
  return row(
    'nobody answers, and the policy says nothing of it: a refusal',
    '120 s after it rings',
    found,
    outcome === 'access.no-answer' && seconds >= 120 && seconds < 135,
  )
}
