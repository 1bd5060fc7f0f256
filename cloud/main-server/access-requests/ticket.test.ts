import { describe, expect, test } from 'vitest'
import { chooseRoute } from './ticket.ts'

const servers = ['a', 'b', 'c'].map((name) => ({ name, site: name, host: '192.0.2.1', port: 443 }))
const names = ({ accessServer, fallback }: ReturnType<typeof chooseRoute>) => [accessServer.name, fallback?.name]

describe('the route of a ticket (R028)', () => {
  test('equal access servers take turns, and the fallback is another one', () => {
    expect([0, 1, 2, 3].map((turn) => names(chooseRoute(servers, new Map(), turn)))).toEqual([
      ['a', 'b'],
      ['b', 'c'],
      ['c', 'a'],
      ['a', 'b'],
    ])
  })

  test('the one with the fewest sessions comes first, whose turn it is or not', () => {
    const sessions = new Map([
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ])
    expect(names(chooseRoute(servers, sessions, 0))).toEqual(['b', 'c'])
    expect(names(chooseRoute(servers, sessions, 2))).toEqual(['b', 'c'])
  })

  test('a single access server has no fallback', () => {
    expect(names(chooseRoute(servers.slice(0, 1), new Map(), 5))).toEqual(['a', undefined])
  })
})
