import { type ClientApi, clientApi } from '@gantry/shared/client-api.ts'
import type { Input } from '@gantry/shared/contract.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { newId } from '@gantry/shared/ids.ts'
import { generateSigningKey, newNonce, signJws } from '@gantry/shared/node/signing.ts'
import { type AccessLevel, accessLevels } from '@gantry/shared/profile.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { changeDirectory, eventsOf } from '../../test/support/directory.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { ask } from '../../test/support/sign-in-browser.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../../test/support/test-agent.ts'

/**
 * R071, R074: every profile at every endpoint of the clients' API. An endpoint that comes later has to be given a kind, or neither this compiles nor the
 * first test passes.
 */
type Kind = 'reads' | 'changes' | 'writes down'
const kinds = {
  'specialist.me': 'reads',
  // The caller's own sign-ins, which whoever is signed in may end.
  'specialist.end-sign-in': 'writes down',
  'device.list': 'reads',
  'device.show': 'reads',
  'access-request.create': 'changes',
  'access-request.reveal': 'changes',
  'access-request.cancel': 'changes',
  'access-request.show': 'reads',
  'access-request.list': 'reads',
  'case.list': 'reads',
  'case.colleagues': 'reads',
  'case.escalate': 'changes',
  'case.close': 'changes',
  // The caller's own audit head, into the audit: whoever is signed in owes it, and it gives nothing.
  'head.exchange': 'writes down',
} as const satisfies Record<keyof ClientApi, Kind>
type Changing = { [N in keyof ClientApi]: (typeof kinds)[N] extends 'changes' ? N : never }[keyof ClientApi]

/** `null`: its grants are an empty list. */
const profiles: [string, AccessLevel[] | null][] = [
  ['new, so empty', null],
  ['view-only', []],
  ...accessLevels.map((level) => [level, [level]] as [string, AccessLevel[]]),
]

let server: TestServer
let agent: TestAgent
let elena: ReturnType<TestServer['client']>

beforeAll(async () => {
  server = await createTestServer()
  agent = await enrolAgent(server, server.devices.mine)
  elena = server.client((await server.signIn(server.people.elena)).access_token)
})
afterAll(() => server.close())

let edits = 0
/** The number in its name makes it another directory, whatever was there before. */
const give = (levels: AccessLevel[] | null) =>
  changeDirectory(server, (seed) => {
    const profile = seed.profiles.find(({ id }) => id === 'all-levels')
    const customers = [seed.customers[0]?.id].filter((id) => id !== undefined)
    const everything = { files: { toDevice: true, fromDevice: true, maxFileBytes: 1_000 }, actions: '*' as const, patientData: true }
    edits += 1
    Object.assign(profile ?? {}, { name: `Profile ${edits}`, grants: levels ? [{ customers, levels, ...everything }] : [] })
  })

async function create(access: AccessLevel, caseId: string) {
  const { elena: person } = server.people
  const { signed, nonce } = await signedRequest(server, person, server.devices.mine, { access, caseId })
  await agent.poll({ handled: (await agent.poll()).map(({ id }) => id) })
  const { request } = await elena.call('access-request.create', { request: signed, certificate: person.certificate })
  return { ...request, nonce }
}

/** From better days: a request that the device has picked up, so that its nonce may be revealed, and the case that it began. */
async function createOwn(caseId: string) {
  const { id, nonce, ticket } = await create('files', caseId)
  await agent.answer(ticket, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey })
  const found = (await elena.call('case.list', {})).cases.find(({ number }) => number === caseId)
  if (!found) throw new Error('no case')
  return { requestId: id, nonce, key: { customerId: found.customerId, number: caseId } }
}
type Own = Awaited<ReturnType<typeof createOwn>>

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  )
}
const stateOf = async (requestId: RequestId) => (await elena.call('access-request.show', { requestId })).state

/** Each changing call once, on what is the caller's own: nothing but the profile stands in its way. Closing comes before escalating, of another case. */
function attempts(own: Own, other: Own): { [N in Exclude<Changing, 'access-request.create'>]: Input<ClientApi, N> } {
  return {
    'access-request.reveal': { requestId: own.requestId, nonce: own.nonce as Hash },
    'access-request.cancel': { requestId: own.requestId },
    'case.close': { ...own.key, resolution: 'It was the cable' },
    'case.escalate': { ...other.key, to: 'tomas', reason: 'Needs somebody else' },
  }
}

async function tryAll(own: Own, other: Own): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [name, input] of Object.entries(attempts(own, other))) found[name] = await codeOf(elena.call(name as Changing, input as never))
  return found
}

test('every endpoint has a kind (R071)', () => {
  expect(Object.keys(kinds).sort()).toEqual(Object.keys(clientApi).sort())
})

test.each(Object.keys(clientApi))('%s answers nobody who is not signed in (R071)', async (name) => {
  for (const authorization of [undefined, 'Bearer guessed', 'DPoP guessed']) {
    const headers = { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) }
    const { status, text } = await ask(`${server.origin}/api/v1/${name}`, server.ca, { method: 'POST', headers, body: '{}' })
    expect(status).toBe(401)
    expect(JSON.parse(text)).toMatchObject({ ok: false, failure: { code: expect.stringMatching(/^auth\./) } })
  }
})

describe.each(profiles)('a profile: %s (R071, R074)', (name, levels) => {
  let own: Own
  let other: Own
  let before: number
  const keeps = levels?.includes('files') ?? false
  const works = (levels ?? []).length > 0

  beforeAll(async () => {
    await give([...accessLevels])
    own = await createOwn(`${name.slice(0, 8)} 1`)
    other = await createOwn(`${name.slice(0, 8)} 2`)
    await give(levels)
    // What rested on the wider profile ends by itself (R010).
    for (const { requestId } of [own, other]) await vi.waitFor(async () => expect(await stateOf(requestId)).toBe(keeps ? 'picked-up' : 'refused'), 10_000)
    before = eventsOf(server).length
  })

  afterAll(() => elena.call('access-request.cancel', { requestId: other.requestId }))

  test('sees what it names, and of its own what there was', async () => {
    const { devices } = await elena.call('device.list', {})
    expect(devices.map((device) => device.levels)).toEqual(levels ? devices.map(() => levels) : [])
    expect(devices.some(({ id }) => id === server.devices.mine.id)).toBe(levels !== null)
    expect(await codeOf(elena.call('device.show', { deviceId: server.devices.mine.id }))).toBe(levels ? 'done' : 'device.unknown')
    for (const call of [
      elena.call('specialist.me', {}),
      elena.call('access-request.show', { requestId: own.requestId }),
      elena.call('access-request.list', { limit: 1 }),
      elena.call('case.list', {}),
      elena.call('case.colleagues', own.key),
      signJws('head', { version: 1, logId: newId('log'), seq: 1, hash: newNonce(), at: 1 }, generateSigningKey()).then((head) =>
        elena.call('head.exchange', { head }),
      ),
    ]) {
      expect(await codeOf(call)).toBe('done')
    }
  })

  test('changes what it allows, and has every other change refused with its code', async () => {
    expect(await tryAll(own, other)).toEqual({
      'access-request.reveal': keeps ? 'done' : 'access.wrong-state',
      // What is over needs no cancelling; that it changed nothing is looked at below.
      'access-request.cancel': 'done',
      'case.close': works ? 'done' : 'case.not-allowed',
      'case.escalate': works ? 'done' : 'case.not-allowed',
    })
    for (const access of accessLevels) {
      const asked = create(access, `${name.slice(0, 8)} 3`).then(({ id }) => elena.call('access-request.cancel', { requestId: id }))
      expect(await codeOf(asked)).toBe(!levels ? 'device.unknown' : levels.includes(access) ? 'done' : 'access.level-not-allowed')
    }
  })

  test.runIf(!works)('and nothing has come of it: not in the audit, not at the device, not in the case', async () => {
    const since = eventsOf(server).slice(before)
    expect(new Set(since.map(({ kind }) => kind))).toEqual(new Set(['access.refused', 'head.witnessed']))
    for (const { requestId } of [own, other]) expect(await stateOf(requestId)).toBe('refused')
    const cases = (await elena.call('case.list', {})).cases.filter(({ number }) => number.startsWith(name.slice(0, 8)))
    expect(cases.map(({ state, held }) => ({ state, held }))).toEqual([
      { state: 'open', held: true },
      { state: 'open', held: true },
    ])
    expect((await agent.poll()).filter(({ kind }) => kind === 'access-request' || kind === 'reveal')).toEqual([])
  })
})
