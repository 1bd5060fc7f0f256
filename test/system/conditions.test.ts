import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requireFreshMfa } from '../../cloud/main-server/access-requests/person-steps.ts'
import { steps } from '../../cloud/main-server/access-requests/steps.ts'
import { type MainDesk, openMainDesk } from '../support/conditions/main-desk.ts'
import { playHistories } from '../support/conditions/steps.ts'

/** Goal D15, short; `npm run prove -- trust --only conditions` plays 10,000. */
let desk: MainDesk
beforeAll(async () => {
  desk = await openMainDesk()
})
afterAll(() => desk.close())

describe('a workstation, a main server, an access server and a device over a network that loses, doubles and reorders', () => {
  test('no history leads to a shell without second factor, both levels, presence, approval, entitlement and policy (R065, R078)', async () => {
    const { breach, shells } = await playHistories(desk, { histories: 20, seed: 1 })
    expect(breach).toBeNull()
    expect(shells).toBeGreaterThan(3)
  })

  test('a policy with a step left out is found', async () => {
    const at = steps.indexOf(requireFreshMfa)
    steps.splice(at, 1)
    try {
      expect((await playHistories(desk, { histories: 200, seed: 1 })).breach).toContain('a second factor within 15 minutes')
    } finally {
      steps.splice(at, 0, requireFreshMfa)
    }
  })
})
