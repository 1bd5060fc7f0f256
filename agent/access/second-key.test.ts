import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Policy } from '../../shared/device-policy.ts'
import { newId, type RequestId } from '../../shared/ids.ts'
import { generateSigningKey, type SigningKey, signJws } from '../../shared/node/signing.ts'
import { type Case, makeCase, people, World } from '../../test/support/access-world.ts'
import { type ApprovalPayload, approvalFile, approvalOf, WaitingApproval, waitingFile } from './second-key.ts'

/** The second key (threat T3): the customer pins approvers of its own, and the vendor's signatures, all of them good, open nothing alone. */
let folder: string
let world: World
let approver: SigningKey
let one: Case
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'approvals-'))
  approver = generateSigningKey()
  one = await makeCase(true)
  world = new World()
  world.approvals = folder
  world.policy = Policy.parse({
    version: 1,
    rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' },
    approvers: [approver.publicJwk],
  })
  world.requests = world.start()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const answers = (of: Case) =>
  world.answers.filter(({ requestId }) => requestId === of.request.id).map((answer) => (answer.kind === 'refused' ? answer.code : answer.kind))
const waiting = (id: RequestId = one.request.id) => WaitingApproval.parse(JSON.parse(readFileSync(waitingFile(folder, id), 'utf8')))
const lay = (text: string, id: RequestId = one.request.id) => writeFileSync(approvalFile(folder, id), text)
const sign = async (change: Partial<ApprovalPayload> = {}, key = approver) =>
  signJws('approval', { ...approvalOf(waiting(), one.request, Date.now()), ...change }, key)
/** The device's clock goes on until this holds; between two of its looks the disk and the signatures are real. */
async function until(holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks += 1) {
    if (looks > 2_000) throw new Error(`it never came: ${JSON.stringify(world.answers)}`)
    await world.clock.advance(250)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
const asked = (of = one) => until(() => existsSync(waitingFile(folder, of.request.id)))
const looked = async () => {
  const fromMs = world.clock.now()
  await until(() => world.clock.now() > fromMs + 3_000)
}
const refused = (of = one) => until(() => answers(of).at(-1) === 'access.second-key-missing')

describe('a request to a device with a second key', () => {
  test('opens with the ticket and the hospital’s signature, which names its approver in the audit; the folder is empty after (R062)', async () => {
    await world.requests.receive(one.delivery)
    await asked()
    await looked()
    expect(world.opened).toEqual([])
    const approval = await sign()
    lay(approval)
    await until(() => world.opened.length > 0)
    expect(world.opened).toEqual([one.request.id])
    expect(world.events).toContainEqual(expect.objectContaining({ kind: 'access.countersigned', private: { approval } }))
    expect(world.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['access.picked-up', 'access.countersigned', 'access.approved']))
    expect(readdirSync(folder)).toEqual([])
  })

  test('with everything that a main server and its keys can sign, and nothing else, opens nothing and rings nowhere', async () => {
    world.policy = { ...world.policy, rules: { ...world.policy.rules, os: 'ask' } }
    await world.requests.receive(one.delivery)
    await asked()
    // All that lies at the vendor: the ticket's key, the authority's, both of the specialist's, and what was asked before.
    for (const key of [people.ticketKey, people.authority, people.specialist, people.support, people.session]) {
      lay(await sign({}, key))
      await looked()
    }
    lay(one.delivery.ticket)
    await refused()
    expect(world.opened).toEqual([])
    expect(world.shown.size).toBe(0)
  })

  test.each<[string, () => Promise<string>]>([
    ['for another request', async () => sign({ requestId: newId<RequestId>('req') })],
    ['for another device', async () => sign({ deviceId: newId('dev') })],
    ['for a request that says something else', async () => sign({ requestHash: approvalOf({ ...waiting(), payload: 'e30' }, one.request, 0).requestHash })],
    ['of another kind, by the same key', async () => signJws('policy', approvalOf(waiting(), one.request, 0), approver)],
    ['that is no text of a signature', async () => 'x'.repeat(5_000)],
    ['that was changed', async () => (await sign()).replace(/.{6}$/, 'AAAAAA')],
  ])('an approval %s is none', async (_, make) => {
    await world.requests.receive(one.delivery)
    await asked()
    lay(await make())
    await refused()
    expect(world.opened).toEqual([])
  })

  test('an approval that was seen opens nothing again: not the next request, not one that was cancelled', async () => {
    await world.requests.receive(one.delivery)
    await asked()
    const seen = await sign()
    await world.requests.cancel(one.request.id)
    await looked()
    lay(seen)
    const next = await makeCase(true, { nowSeconds: Math.floor(world.clock.now() / 1_000) })
    await world.requests.receive(next.delivery)
    lay(seen, next.request.id)
    await refused(next)
    expect(world.opened).toEqual([])
  })

  test('a folder that cannot be written opens nothing', async () => {
    writeFileSync(join(folder, 'file'), '')
    world.approvals = join(folder, 'file/approvals')
    world.requests = world.start()
    await world.requests.receive(one.delivery)
    await expect.poll(() => answers(one).at(-1)).toBe('access.second-key-missing')
    expect(world.opened).toEqual([])
  })
})
