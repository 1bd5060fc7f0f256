import { describe, expect, test } from 'vitest'
import { newId } from '../../shared/ids.ts'
import { generateSigningKey, type SigningKey, sha256, signJws } from '../../shared/node/signing.ts'
import type { JwsType, WithdrawalPayload } from '../../shared/ticket.ts'
import { makeCase, now, people, World } from '../../test/support/access-world.ts'

const one = await makeCase(true)
const { id: requestId, deviceId, specialistId } = one.request
const said: WithdrawalPayload = { version: 1, requestId, deviceId, specialistId, kind: 'end', at: now }
const sign = (change: Partial<WithdrawalPayload> = {}, key: SigningKey = people.specialist, type: JwsType = 'withdrawal') =>
  signJws(type, { ...said, ...change }, key)

async function openSession(): Promise<World> {
  const on = new World()
  const rule = 'allow' as const
  on.policy = { ...on.policy, rules: { diagnostics: rule, files: rule, application: rule, os: rule } }
  await on.requests.receive(one.delivery)
  await on.clock.advance(0)
  expect(on.opened).toEqual([requestId])
  return on
}
const withdrawn = (on: World) => on.events.find((event) => event.kind === 'access.withdrawn')

describe('who took a request back, as the device writes it down', () => {
  test('is the specialist by name under the specialist’s own signature, before the session stops (R062)', async () => {
    const on = await openSession()
    const withdrawal = await sign()
    await on.requests.end(requestId, 'specialist', withdrawal)
    expect(withdrawn(on)).toMatchObject({
      actor: { kind: 'specialist', id: specialistId, name: people.person.name },
      data: { kind: 'end', at: now, cause: 'specialist', withdrawal: sha256(withdrawal) },
      private: { withdrawal },
    })
    expect(on.sessions[0]?.signal.reason).toBe('specialist')
  })

  test('is the main server where nothing is signed, and the session ends all the same', async () => {
    const on = await openSession()
    void on.requests.end(requestId, 'revoked')
    expect(withdrawn(on)).toMatchObject({ actor: { kind: 'main-server' }, data: { why: 'unsigned', cause: 'revoked' } })
    expect(on.sessions[0]?.signal.reason).toBe('revoked')
  })

  test('is never the specialist by a forged signature, but ends all the same (threat T3)', async () => {
    const forged = [
      await sign({}, people.ticketKey),
      await sign({}, people.support),
      await sign({}, people.authority),
      await sign({}, generateSigningKey()),
      await sign({}, people.specialist, 'head'),
      await sign({ requestId: newId('req') }),
      await sign({ deviceId: newId('dev') }),
      await sign({ specialistId: newId('spc') }),
      await sign({ at: one.request.issuedAt - 126 }),
      (await sign()).replace(/\.[^.]+\./, `.${Buffer.from(JSON.stringify({ ...said, kind: 'cancel' })).toString('base64url')}.`),
      'a.b.c',
    ]
    for (const withdrawal of forged) {
      const on = await openSession()
      await on.requests.cancel(requestId, withdrawal)
      expect(withdrawn(on)).toMatchObject({ actor: { kind: 'main-server' }, data: { why: 'signature-bad' } })
      expect(on.sessions[0]?.signal.aborted).toBe(true)
    }
  })

  test('of a request still asked is told in its cancelling too', async () => {
    for (const [withdrawal, kind] of [
      [await sign({ kind: 'cancel' }), 'specialist'],
      [undefined, 'main-server'],
    ] as const) {
      const on = new World()
      await on.requests.receive(one.delivery)
      await on.clock.advance(0)
      await on.requests.cancel(requestId, withdrawal)
      await on.clock.advance(0)
      expect(on.events.at(-1)).toMatchObject({ kind: 'access.cancelled', actor: { kind } })
    }
  })

  test('that cannot be written down keeps nothing running', async () => {
    const on = await openSession()
    on.auditWorks = false
    await on.requests.end(requestId, 'specialist', await sign())
    expect(on.sessions[0]?.signal.aborted).toBe(true)
  })
})
