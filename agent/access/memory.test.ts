import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../shared/ids.ts'
import { memoryState, openStateFile } from '../state-file.ts'
import { createRequestMemory, type Entry, lostMemory, MemoryState, newMemory } from './memory.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'memory-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const entry = (issuedAt: number): Entry => ({
  requestId: newId('req'),
  ticketId: newId('tkt'),
  deliveryId: newId('dlv'),
  ticket: null,
  issuedAt,
  takenMs: issuedAt * 1_000,
  state: 'requested',
})
const open = (lost: string[], nowMs: number) =>
  createRequestMemory(
    openStateFile({
      path: join(folder, 'requests.json'),
      schema: MemoryState,
      initial: newMemory,
      afterLoss: () => lostMemory(nowMs, 30),
      onLost: (what) => lost.push(what),
    }),
  )

describe('the memory of requests', () => {
  test('survives a restart: a spent ticket stays spent (goal D11)', () => {
    const one = entry(1_800_000_000)
    open([], 0).take(one)
    const lost: string[] = []
    expect(() => open(lost, 0).requireUnspent(one)).toThrow(expect.objectContaining({ code: 'ticket.spent' }))
    expect(lost).toEqual([])
  })

  test('that cannot be read any more is moved aside and reported, and every ticket issued up to then counts as spent', () => {
    const one = entry(1_800_000_000)
    open([], 0).take(one)
    writeFileSync(join(folder, 'requests.json'), '{"version":1,"entries":[')
    const lost: string[] = []
    const nowMs = 1_800_000_100_000
    const memory = open(lost, nowMs)
    expect(lost).toEqual(['requests.json'])
    expect(() => memory.requireUnspent(one)).toThrow(expect.objectContaining({ code: 'ticket.spent' }))
    expect(() => memory.requireUnspent(entry(1_800_000_100))).toThrow(expect.objectContaining({ code: 'ticket.spent' }))
    memory.requireUnspent(entry(1_800_000_131))
    expect(() => open([], nowMs + 500_000).requireUnspent(entry(1_800_000_100))).toThrow()
  })

  test('forgets the oldest only together with their time', () => {
    const memory = createRequestMemory(memoryState(newMemory()))
    const first = entry(1_800_000_000)
    memory.take(first)
    for (let at = 1; at <= 2_000; at++) memory.take(entry(1_800_000_000 + at))
    expect(memory.knows(first.requestId)).toBe(false)
    expect(() => memory.requireUnspent(first)).toThrow(expect.objectContaining({ code: 'ticket.spent' }))
    memory.requireUnspent(entry(1_800_000_000 + 2_001))
  })

  test('knows only the moves of the state table', () => {
    const memory = createRequestMemory(memoryState(newMemory()))
    const one = entry(1_800_000_000)
    memory.take(one)
    expect(() => memory.move(one.requestId, 'open')).toThrow(expect.objectContaining({ code: 'access.wrong-state' }))
    memory.move(one.requestId, 'picked-up')
    memory.move(one.requestId, 'refused')
    expect(memory.open()).toEqual([])
    expect(() => memory.move(one.requestId, 'approved')).toThrow(expect.objectContaining({ code: 'access.wrong-state' }))
  })
})
