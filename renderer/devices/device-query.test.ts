import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { describe, expect, test } from 'vitest'
import { deviceId, devices, manyDevices } from '../../test/window/support/fixtures.ts'
import { everything, matching, type Query, readQuery, sorted, writeQuery } from './device-query.ts'

const other = manyDevices(1)[0] as DeviceRow
const known = { favourites: [deviceId('ctsuite3')], recent: [deviceId('mrtwo'), deviceId('ctone')] }
const names = (query: Partial<Query>) => matching(devices, { ...everything, ...query }, known).map(({ name }) => name)

describe('the list answers what it is asked (R077)', () => {
  test('words are found in any order, without accents or case, in name, serial, model, site and customer', () => {
    expect(names({ text: 'PINS suite 3 riviere' })).toEqual(['CT Suite 3'])
    expect(names({ text: '180-010' })).toEqual(['MR 2'])
    expect(names({ text: 'anders' })).toEqual(['CT 1'])
    expect(names({ text: 'no such thing' })).toEqual([])
  })

  test('filters of one kind widen, filters of two kinds narrow', () => {
    const both = { ...everything.filters, model: ['NV-310', 'NV-Ledger'] }
    expect(names({ filters: both })).toEqual(['CT 1', 'CT 5', 'CT 2', 'CT 7', 'Dose Ledger', 'CT 6'])
    expect(names({ filters: { ...both, stops: ['site'] } })).toEqual(['CT 5'])
  })

  test('favourites are the ones that were marked', () => {
    expect(names({ view: 'favourites' })).toEqual(['CT Suite 3'])
  })

  test('sorted by how far it gets, sessions and waiting people come first, and favourites before their equals', () => {
    const order = sorted(devices, { key: 'stops', isDescending: false }, [deviceId('ctsuite3')]).map(({ name }) => name)
    expect(order.slice(0, 4)).toEqual(['CT 1', 'CT Emergency', 'MR 2', 'CT Suite 3'])
    expect(order.at(-1)).toBe('CT 7')
  })

  test('numbers in names sort as numbers', () => {
    const three = ['CT 10', 'CT 9', 'CT 1'].map((name, at) => ({ ...(devices[at] ?? other), name }))
    expect(sorted(three, { key: 'device', isDescending: false }, []).map(({ name }) => name)).toEqual(['CT 1', 'CT 9', 'CT 10'])
  })

  test('a saved view says the same when it is read again', () => {
    const query: Query = { view: 'favourites', text: 'suite 3', filters: { customer: ['Three Elms'], site: [], model: ['NV-310'], stops: ['site', 'through'] } }
    expect(writeQuery(query)).toBe('view:favourites customer:"Three Elms" model:NV-310 stops:site stops:through suite 3')
    expect(readQuery(writeQuery(query))).toEqual(query)
  })

  test('what is no filter stays a word', () => {
    expect(readQuery('http://x color:red view:nowhere')).toMatchObject({ view: 'all', text: 'http://x color:red view:nowhere' })
  })
})
