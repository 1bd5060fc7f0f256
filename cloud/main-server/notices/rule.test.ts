import { describe, expect, test } from 'vitest'
import { defaultOrigins, noticeOf } from '../origins.ts'
import { isPublic } from './public-address.ts'
import { lets, maxAttempts, nextTry, statesBefore } from './rule.ts'

describe('what a customer’s contact is owed (R084)', () => {
  test('by default: to be told of who comes from Canada by escalation, and nothing of who comes from the United States', () => {
    expect(noticeOf(defaultOrigins, { country: 'CA', tier: 3, escalated: true })).toBe('told')
    expect(noticeOf(defaultOrigins, { country: 'US', tier: 1, escalated: true })).toBe('none')
  })

  test('by the customer’s own list, the mildest of the rules that let the person in; one that does not let in says nothing', () => {
    const canada = { country: 'CA', tiers: [3], onEscalation: false }
    const who = { country: 'CA', tier: 3, escalated: true }
    expect(noticeOf([{ ...canada, notice: 'accepted' }], who)).toBe('accepted')
    expect(noticeOf([{ ...canada, onEscalation: true, notice: 'none' }], who)).toBe('none')
    expect(
      noticeOf(
        [
          { ...canada, notice: 'accepted' },
          { ...canada, onEscalation: true },
        ],
        who,
      ),
    ).toBe('told')
    expect(
      noticeOf(
        [
          { ...canada, notice: 'accepted' },
          { ...canada, onEscalation: true },
        ],
        { ...who, escalated: false },
      ),
    ).toBe('accepted')
    expect(
      noticeOf(
        [
          { ...canada, notice: 'accepted' },
          { ...canada, tiers: [1], notice: 'none' },
        ],
        who,
      ),
    ).toBe('accepted')
  })

  test('being told is enough where the rule says so; where it wants a yes, only that is', () => {
    expect(lets('told', 'delivered')).toBe(true)
    expect(lets('accepted', 'delivered')).toBe(false)
    expect(lets('accepted', 'accepted')).toBe(true)
    for (const state of ['sending', 'refused', 'failed', 'expired'] as const) expect([lets('told', state), lets('accepted', state)]).toEqual([false, false])
  })

  test('a refusal is final, and comes before or after anything but an end', () => {
    expect(statesBefore('refused')).toEqual(['sending', 'delivered', 'accepted'])
    for (const to of ['accepted', 'delivered', 'expired', 'failed'] as const) expect(statesBefore(to)).not.toContain('refused')
    expect(statesBefore('accepted')).not.toContain('expired')
  })
})

describe('trying again', () => {
  test('takes longer each time, within the time of the notice, and not for ever', () => {
    expect(nextTry(1, 1_000, 60_000)).toBe(2_000)
    expect(nextTry(3, 1_000, 60_000)).toBe(5_000)
    expect(nextTry(8, 1_000, 60_000)).toBe(16_000)
    expect(nextTry(3, 57_000, 60_000)).toBeNull()
    expect(nextTry(maxAttempts, 0, 1e9)).toBeNull()
  })
})

describe('where a webhook may go', () => {
  test.each(['8.8.8.8', '203.0.114.1', '2606:4700::1111', '2a00:1450::1'])('%s is on the public internet', (address) => expect(isPublic(address)).toBe(true))

  test.each([
    ...['127.0.0.1', '127.8.8.8', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.0.0.0', '255.255.255.255'],
    ...['224.0.0.1', '198.18.0.1', '192.0.2.1', '::1', '::', '::ffff:127.0.0.1', '::ffff:8.8.8.8', 'fe80::1', 'fd00::1', 'ff02::1', '64:ff9b::7f00:1'],
    ...['2002:7f00:1::', '2001:db8::1', '2001::1', 'not an address', ''],
  ])('%s is not', (address) => expect(isPublic(address)).toBe(false))
})
