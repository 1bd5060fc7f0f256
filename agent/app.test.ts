import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EndCause } from '../shared/access-request.ts'
import type { Delivery } from '../shared/agent-api.ts'
import { newId } from '../shared/ids.ts'
import { certificateHash, createCa } from '../shared/node/certificates.ts'
import { sha256, signingKeyFrom } from '../shared/node/signing.ts'
import { createDeviceFolder, type DeviceFolder } from '../test/support/device.ts'
import { type MainServerDouble, startMainServerDouble } from '../test/support/main-server-double.ts'
import { createPeople, type People } from '../test/support/people.ts'
import { createPolicyOwner } from '../test/support/policy.ts'
import { type Agent, type AgentOptions, startAgent } from './app.ts'
import { type Clock, realClock } from './clock.ts'
import { silentLog } from './log.ts'
import type { OpenSession } from './session/open-session.ts'

/** The whole agent in this process, over real TLS, against a main server double; only the session itself is replaced, by what records it. */
let people: People
let server: MainServerDouble
let device: DeviceFolder
let opened: OpenSession[]
let agents: Agent[]

const timing = { intervalMs: 60, holdMs: 2_000 }
/** Long enough that a poll is over before the next one is due, also on a busy machine. */
const slow = { ...timing, intervalMs: 500 }

beforeEach(async () => {
  people = createPeople()
  server = await startMainServerDouble({ people })
  device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: people.authority.publicJwk })
  opened = []
  agents = []
})
afterEach(async () => {
  for (const agent of agents) await agent.stop()
  await server.close()
  device.remove()
})

async function start(options: AgentOptions = {}): Promise<Agent> {
  const agent = await startAgent(device.config, {
    log: silentLog,
    timing,
    policyLookMs: 20,
    openSession: recordSession,
    ...options,
  })
  agents.push(agent)
  return agent
}

function recordSession(session: OpenSession): Promise<EndCause> {
  opened.push(session)
  session.tools.audit({ kind: 'session.opened', actor: { kind: 'agent' }, requestId: session.grant.request.id })
  const { promise, resolve } = Promise.withResolvers<EndCause>()
  const end = () => {
    session.tools.audit({ kind: 'session.ended', actor: { kind: 'agent' }, requestId: session.grant.request.id, cause: session.signal.reason })
    resolve(session.signal.reason)
  }
  if (session.signal.aborted) end()
  session.signal.addEventListener('abort', end, { once: true })
  return promise
}

/** A minute passes in a second. */
function fastClock(times: number): Clock {
  return { now: realClock.now, elapsed: () => realClock.elapsed() * times, sleep: (ms, signal) => realClock.sleep(ms / times, signal) }
}

async function rosterDelivery(number = 1): Promise<Delivery> {
  const { text } = await people.roster({ number })
  return { id: newId('dlv'), kind: 'data-file', name: 'roster', version: number, sha256: sha256(text), content: text }
}

async function ask(change: Parameters<People['request']>[1] = {}) {
  const identity = JSON.parse(readFileSync(join(device.config.stateDir, 'identity.json'), 'utf8'))
  const deviceKey = signingKeyFrom(identity.keys.device as string).publicJwk
  return people.request({ deviceId: server.deviceId, deviceKey }, change)
}

const certificateOf = ({ config }: DeviceFolder) => {
  return (JSON.parse(readFileSync(join(config.stateDir, 'identity.json'), 'utf8')) as { enrolment: { certificate: string } }).enrolment.certificate
}
const auditOf = ({ config }: DeviceFolder) => readFileSync(join(config.stateDir, 'audit.jsonl'), 'utf8')
const kindsOf = (requestId: string) => server.answers.filter((one) => one.requestId === requestId).map((one) => one.answer.kind)

describe('an agent and its main server', () => {
  test('renews its certificate by itself at two thirds of its life, and goes on with the new one, also after a restart (R066)', async () => {
    await server.close()
    server = await startMainServerDouble({ people, certificateAgeMs: 250 * 86_400_000 })
    device.remove()
    device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: people.authority.publicJwk })
    await start()
    const renewed = await server.waitFor(() => server.events.find(({ kind }) => kind === 'device.renewed'))
    const certificate = certificateHash(certificateOf(device))
    expect(renewed.data).toEqual({ certificate })
    await server.waitFor(() => server.shown.at(-1) === certificate)
    expect(server.shown[0]).not.toBe(certificate)
    await agents.pop()?.stop()
    const before = server.polls.length
    await (await start()).polled
    expect(server.shown.slice(before)).toEqual(expect.arrayContaining([certificate]))
  })

  test('enrols once with keys made on the device, polls at once, and needs no code afterwards (R021, R066)', async () => {
    const agent = await start()
    await agent.polled
    expect(agent.deviceId()).toBe(server.deviceId)
    await agent.stop()
    agents = []
    device.config.enrolmentCode = null
    const again = await start()
    await again.polled
    expect(server.enrolments).toHaveLength(1)
  })

  test('plain polls leave no socket behind, and the next one resumes the TLS session (R053)', async () => {
    await start({ timing: slow })
    await server.waitFor(() => server.polls.length >= 4)
    expect(server.polls.every((poll) => poll.holdMs === 0)).toBe(true)
    await server.waitFor(() => server.sockets.size === 0)
    expect(server.connections.resumed).toBeGreaterThanOrEqual(2)
  })

  test('a server with another identity is refused, told nothing, and audited once (R042)', async () => {
    const agent = await start()
    await agent.polled
    await agent.stop()
    agents = []
    const other = await createCa('Somebody else')
    writeFileSync(device.config.ca, other.certificatePem)
    const before = server.polls.length
    await start()
    const log = () =>
      readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('device.server-refused'))
    await server.waitFor(() => log().length > 0)
    await new Promise((resolve) => setTimeout(resolve, 4 * timing.intervalMs))
    expect(log()).toHaveLength(1)
    expect(server.polls).toHaveLength(before)
  })

  test('a code that names another authority enrols nothing: a stolen main server cannot pin its own', async () => {
    const other = createPeople()
    device.remove()
    device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: other.authority.publicJwk })
    const agent = await start()
    await server.waitFor(() => server.enrolments.length > 0)
    await server.waitFor(() => readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8').includes('enrol.authority-mismatch'))
    expect(agent.deviceId()).toBeNull()
    expect(server.polls).toHaveLength(0)
  })

  test('connectivity off means not a connection, and on again means a poll (R008)', async () => {
    device.writePolicy({ connectivity: 'off' })
    const agent = await start()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(server.connections.all).toBe(0)
    device.writePolicy({ connectivity: 'on' })
    await agent.polled
    device.writePolicy({ connectivity: 'off' })
    await server.waitFor(() => readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8').match(/device.policy-loaded/g)?.length === 3)
    const before = server.connections.all
    await new Promise((resolve) => setTimeout(resolve, 4 * timing.intervalMs))
    expect(server.connections.all).toBe(before)
  })

  test('a policy that was edited, taken back or removed closes every level, is told with its reason, and stays closed after a restart (R047)', async () => {
    device.writePolicy({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } })
    const older = readFileSync(device.config.policyFile, 'utf8')
    const agent = await start()
    await agent.polled
    device.writePolicy({ rules: { diagnostics: 'deny', files: 'deny', application: 'deny', os: 'deny' } })
    await server.waitFor(() => server.polls.at(-1)?.rules.os === 'deny')
    server.queue(await rosterDelivery())
    await server.waitFor(() => server.polls.at(-1)?.rosterNumber === 1)
    const refused = async (fault: string) => {
      await server.waitFor(() => server.events.some(({ kind, data }) => kind === 'device.policy-refused' && data?.fault === fault))
      const { delivery, request } = await ask({ request: { access: 'diagnostics' } })
      server.queue(delivery)
      await server.waitFor(() => kindsOf(request.id).includes('refused'))
      const answer = server.answers.find((one) => one.requestId === request.id)?.answer
      expect(answer).toMatchObject({ code: 'access.policy-unusable', details: { fault } })
    }
    writeFileSync(device.config.policyFile, older)
    await refused('older')
    writeFileSync(device.config.policyFile, older.replaceAll('"deny"', '"allow"').replace('"serial":1', '"serial":9'))
    await refused('signature')
    rmSync(device.config.policyFile)
    await refused('missing')
    await agent.stop()
    agents = []
    await start()
    await refused('missing')
    expect(opened).toHaveLength(0)
  })

  test('nothing that a server sends is taken for a policy, or makes it wider (R047, threat T3)', async () => {
    device.writePolicy({
      rules: { diagnostics: 'allow', files: 'allow', application: 'deny', os: 'deny' },
      actions: [],
      files: { fromDevice: false, maxFileBytes: 100 },
    })
    const agent = await start()
    await agent.polled
    const before = readFileSync(device.config.policyFile, 'utf8')
    server.queue(await rosterDelivery())
    const loose = createPolicyOwner().sign({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } }, { serial: 9_999_999_999 })
    for (const name of ['policy.json', 'policy-kept.json', 'policy', 'switch.json'])
      server.queue({ id: newId('dlv'), kind: 'data-file', name, version: 9, sha256: sha256(loose), content: loose })
    await server.waitFor(() => server.polls.at(-1)?.rosterNumber === 1)
    const closed = await ask({ request: { access: 'os' } })
    server.queue(closed.delivery)
    await server.waitFor(() => kindsOf(closed.request.id).includes('refused'))
    // The ticket's limits hold everything.
    const narrow = await ask({ request: { access: 'files' } })
    server.queue(narrow.delivery)
    await server.waitFor(() => opened.length === 1)
    expect(opened[0]?.grant.policy).toMatchObject({ actions: [], files: { toDevice: true, fromDevice: false, maxFileBytes: 100 } })
    expect(readFileSync(device.config.policyFile, 'utf8')).toBe(before)
    expect(server.polls.at(-1)?.rules.os).toBe('deny')
  })

  test('servers that the policy leaves out are not dialled, also when they are those that it polls (R047)', async () => {
    const agent = await start()
    await agent.polled
    device.writePolicy({ servers: [{ host: 'elsewhere.example' }] })
    await server.waitFor(() => auditOf(device).includes('"code":"server.not-allowed"'))
    const before = server.connections.all
    await new Promise((resolve) => setTimeout(resolve, 4 * timing.intervalMs))
    expect(server.connections.all).toBe(before)
  })

  test('a request by rule `allow` is answered, joined and ended by a delivery, with a poll held open meanwhile (R052, R065)', async () => {
    device.writePolicy({ rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' } })
    await start({ timing: slow })
    server.queue(await rosterDelivery())
    await server.waitFor(() => server.polls.at(-1)?.rosterNumber === 1)
    const { delivery, request } = await ask({ request: { access: 'diagnostics' } })
    server.queue(delivery)
    await server.waitFor(() => opened.length === 1)
    expect(opened[0]?.grant).toMatchObject({ approvedBy: 'policy', request: { id: request.id } })
    await server.waitFor(() => server.polls.at(-1)?.holdMs === timing.holdMs && kindsOf(request.id).length === 2)
    expect(kindsOf(request.id)).toEqual(['picked-up', 'approved'])
    server.queue({ id: newId('dlv'), kind: 'end', requestId: request.id, cause: 'case-closed' })
    await server.waitFor(() => server.events.some((event) => event.kind === 'session.ended' && event.cause === 'case-closed'))
    await server.waitFor(() => server.polls.at(-1)?.holdMs === 0)
    await server.waitFor(() => server.sockets.size === 0)
  })

  test.each([true, false])('when the main server dies, a session on the operating system ends by a strict policy alone (strict: %s)', async (strict) => {
    device.writePolicy({ strict, rules: { diagnostics: 'ask', files: 'ask', application: 'ask', os: 'allow' } })
    await start({ timing: slow, clock: fastClock(60) })
    server.queue(await rosterDelivery())
    await server.waitFor(() => server.polls.at(-1)?.rosterNumber === 1)
    const { delivery, request } = await ask({ request: { access: 'os' } })
    server.queue(delivery)
    await server.waitFor(() => opened.length === 1 && kindsOf(request.id).includes('approved'))
    const session = opened[0]?.signal
    await server.close()
    if (strict) await expect.poll(() => session?.reason).toBe('policy')
    // Two minutes by the device's clock.
    else await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(session?.aborted).toBe(strict)
  })

  test('every event reaches the main server once, in order, also what happened while it was away (R089)', async () => {
    const agent = await start()
    await agent.polled
    server.away = true
    device.writePolicy({ requestsPerHour: 5 })
    device.writePolicy({ requestsPerHour: 6 })
    await server.waitFor(() => readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8').includes('"requestsPerHour":6'))
    server.away = false
    await server.waitFor(() => server.events.some((event) => event.data?.requestsPerHour === 6))
    const own = readFileSync(join(device.config.stateDir, 'audit.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    expect(server.events).toEqual(own.slice(0, server.events.length))
    expect(server.events.map((event) => event.kind)).toEqual(expect.arrayContaining(['device.enrolled', 'device.started', 'device.policy-loaded']))
  })

  test('an access request without any roster, or for another device, is refused with its code (R065)', async () => {
    device.writePolicy({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } })
    const agent = await start()
    await agent.polled
    const missing = await ask()
    server.queue(missing.delivery)
    await server.waitFor(() =>
      server.answers.some((one) => one.requestId === missing.request.id && one.answer.kind === 'refused' && one.answer.code === 'access.roster-missing'),
    )
    const elsewhere = await ask({ request: { deviceId: newId('dev') } })
    server.queue(elsewhere.delivery)
    await server.waitFor(() =>
      server.answers.some((one) => one.requestId === elsewhere.request.id && one.answer.kind === 'refused' && one.answer.code === 'ticket.bad'),
    )
    expect(opened).toHaveLength(0)
  })

  test('a second agent on the same state folder is refused (bad input)', async () => {
    await start()
    await expect(startAgent(device.config, { log: silentLog })).rejects.toMatchObject({ code: 'state.in-use' })
  })
})
