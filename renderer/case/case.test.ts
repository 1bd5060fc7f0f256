import type { CustomerId } from '@gantry/shared/ids.ts'
import { describe, expect, test } from 'vitest'
import { asking, devices, ended, ownCase, session } from '../../test/window/support/fixtures.ts'
import { caseOf, endingWith } from './case-view.ts'

const customerOf = (deviceId: string) => devices.find(({ id }) => id === deviceId)?.customer.id
const elsewhere = { ...ownCase, customerId: 'elms' as CustomerId }

describe('the case beside a session (R087)', () => {
  test('is the one of its customer; of a customer that is not known any more, the only one of that number', () => {
    expect(caseOf([elsewhere, ownCase], ownCase.number, ownCase.customerId)).toEqual(ownCase)
    expect(caseOf([ownCase], ownCase.number, undefined)).toEqual(ownCase)
    expect(caseOf([elsewhere, ownCase], ownCase.number, undefined)).toBeNull()
    expect(caseOf([ownCase], 'another', ownCase.customerId)).toBeNull()
  })

  test('names what ends with it: own sessions and requests by name, those of colleagues by number', () => {
    const known = { sessions: [session, ended], requests: [asking] }
    expect(endingWith(ownCase, customerOf, known)).toEqual({ sessions: [session], requests: [asking], others: 1 })
    const fewer = endingWith({ ...ownCase, liveRequests: 1 }, customerOf, known)
    expect(fewer.others).toBe(0)
  })

  test('leaves alone what has the same number at another customer', () => {
    expect(endingWith(elsewhere, customerOf, { sessions: [session], requests: [asking] })).toEqual({ sessions: [], requests: [], others: 3 })
  })
})
