import { describe, expect, test } from 'vitest'
import { generateSigningKey, sha256, thumbprint } from '../../../shared/node/signing.ts'
import { ServerKeys } from '../../../shared/server-keys.ts'
import { type KeyState, proposeList, ticketKeyRows } from './list.ts'

const [first, second, third] = [generateSigningKey().publicJwk, generateSigningKey().publicJwk, generateSigningKey().publicJwk]
const [oldCa, newCa] = [sha256('old'), sha256('new')]
const state = (change: Partial<KeyState> = {}): KeyState => ({
  ticket: first,
  nextTicket: null,
  deviceCas: [oldCa],
  nextDeviceCa: null,
  listed: null,
  ...change,
})
const now = 1_800_000_000

describe('the list that officers are asked for', () => {
  test('names what is there; the key that waits comes first, and the one in use gets an end', () => {
    expect(proposeList(state(), { olderUntil: now })).toEqual({ ticketKeys: [{ key: first, until: null }], deviceCas: [oldCa], revoked: [] })
    expect(proposeList(state({ nextTicket: second, nextDeviceCa: newCa }), { olderUntil: now })).toEqual({
      ticketKeys: [
        { key: second, until: null },
        { key: first, until: now },
      ],
      deviceCas: [newCa, oldCa],
      revoked: [],
    })
  })

  test('never makes an end later, so no key that is over comes back; what was revoked stays so', () => {
    const listed: ServerKeys = {
      ticketKeys: [
        { key: second, until: null },
        { key: first, until: now - 10 },
      ],
      deviceCas: [oldCa],
      revoked: [sha256('stolen')],
    }
    const list = proposeList(state({ ticket: second, nextTicket: third, listed }), { olderUntil: now + 600, revoke: [sha256('lost'), sha256('stolen')] })
    expect(list.ticketKeys).toEqual([
      { key: third, until: null },
      { key: second, until: now + 600 },
      { key: first, until: now - 10 },
    ])
    expect(list.revoked).toEqual([sha256('stolen'), sha256('lost')])
    expect(ServerKeys.parse(list)).toEqual(list)
  })

  test('leaves older device CAs out where they are retired, and forgets the oldest ticket keys before it grows too long', () => {
    expect(proposeList(state({ deviceCas: [newCa, oldCa] }), { olderUntil: now, retireDeviceCas: true }).deviceCas).toEqual([newCa])
    let listed: ServerKeys | null = null
    for (let round = 0; round < 9; round++) listed = proposeList(state({ nextTicket: generateSigningKey().publicJwk, listed }), { olderUntil: now + round })
    expect(listed?.ticketKeys).toHaveLength(6)
  })
})

test('the overview tells what signs, what waits, what still counts beside, and what is over', () => {
  const listed: ServerKeys = {
    ticketKeys: [
      { key: second, until: null },
      { key: first, until: now },
    ],
    deviceCas: [oldCa],
    revoked: [],
  }
  const rows = (at: number) =>
    ticketKeyRows(state({ ticket: second, nextTicket: third, listed }), at).map(({ mark, state: word, until }) => [mark, word, until])
  expect(rows(now)).toEqual([
    [thumbprint(second), 'in-use', null],
    [thumbprint(third), 'waits', null],
    [thumbprint(first), 'beside', now],
  ])
  expect(rows(now + 1)[2]).toEqual([thumbprint(first), 'over', now])
})
