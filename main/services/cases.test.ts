import { describe, expect, test } from 'vitest'
import { ownCase } from '../../test/window/support/fixtures.ts'
import { findCase } from './cases.ts'

const there = { ...ownCase, customerId: 'cus_aaaaaaaaaaaaaaaa' as typeof ownCase.customerId, customer: 'Lakemoor Regional' }
const other = { ...there, number: 'Other' }

describe('a case that a person names (R087)', () => {
  test('is found by its number, and by customer where several have that number', () => {
    expect(findCase([ownCase, there, other], 'Other')).toEqual([other])
    expect(findCase([ownCase, there, other], ownCase.number)).toEqual([ownCase, there])
    expect(findCase([ownCase, there, other], ownCase.number, 'lakemoor regional')).toEqual([there])
    expect(findCase([ownCase, there, other], ownCase.number, there.customerId)).toEqual([there])
  })

  test('is not found by half of its number or of a name', () => {
    expect(findCase([ownCase, there], ownCase.number.slice(0, 3))).toEqual([])
    expect(findCase([ownCase, there], ownCase.number, 'Lakemoor')).toEqual([])
  })
})
