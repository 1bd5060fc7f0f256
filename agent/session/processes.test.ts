import { describe, expect, test } from 'vitest'
import { membersOf, type ProcessFacts } from './processes.ts'

const facts = (pid: number, change: Partial<ProcessFacts> = {}): ProcessFacts => ({
  pid,
  parent: 1,
  startedAt: '100',
  uid: 65_534,
  mark: null,
  confined: false,
  ...change,
})
const mark = 'req_aaaaaaaaaaaa'

describe('which processes belong to a session', () => {
  test('those with its mark, their children whatever those say, and confined strays of the session’s user', () => {
    const all = [
      facts(10, { mark }),
      facts(11, { parent: 10 }),
      facts(12, { parent: 11, uid: 0 }),
      facts(20, { confined: true }),
      facts(30, { mark: 'req_another', confined: true }),
      facts(31, { confined: true, uid: 1_000 }),
      facts(32),
      facts(40, { confined: true, startedAt: '7' }),
    ]
    const members = membersOf(all, { mark, separatedUid: 65_534, before: new Set(['40:7']) })
    expect(members.map(({ pid }) => pid).sort()).toEqual([10, 11, 12, 20])
  })

  test('a number that was used again by another process is another process', () => {
    const members = membersOf([facts(40, { mark, startedAt: '8' })], { mark, separatedUid: null, before: new Set(['40:7']) })
    expect(members).toHaveLength(1)
  })

  test('where programs run as the agent, being confined says nothing', () => {
    expect(membersOf([facts(20, { confined: true })], { mark, separatedUid: null, before: new Set() })).toEqual([])
  })

  test('the agent itself is never one', () => {
    expect(membersOf([facts(process.pid, { mark })], { mark, separatedUid: null, before: new Set() })).toEqual([])
  })
})
