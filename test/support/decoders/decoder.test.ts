import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../../shared/errors.ts'
import { type Decoder, feed } from './decoder.ts'
import { decoders } from './decoders.ts'

const enough = { seed: 7, inputs: 150, forMs: 60_000 }

describe('every decoder refuses in the product’s own words what it cannot read (D23)', () => {
  test.each(Object.entries(decoders))('%s', async (_name, open) => {
    const root = mkdtempSync(join(tmpdir(), 'decoder-'))
    try {
      const decoder = await open({ root })
      const { faults, inputs, outcomes } = await feed(decoder, enough)
      expect(faults).toEqual([])
      expect(inputs).toBe(enough.inputs)
      // Neither only true examples nor only nonsense came in.
      expect(Object.keys(outcomes).length).toBeGreaterThan(1)
      expect(outcomes.accepted).toBeGreaterThan(0)
      await decoder.close?.()
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
})

describe('feeding a decoder sees (D23)', () => {
  const examples = [{ kind: 'one', bytes: Buffer.from('{"name":"MR 2","list":[1,2]}') }]
  const told = (decode: Decoder['decode'], more: { slowMs?: number; now?: () => number } = {}) =>
    feed({ examples, decode }, { seed: 7, inputs: 60, forMs: 60_000, ...more })

  test('no fault where each input is accepted or refused by a code', async () => {
    let count = 0
    const fine = await told(() => {
      count += 1
      if (count % 2) throw new AppError('contract.bad-input')
      return 'accepted'
    })
    expect(fine).toMatchObject({ inputs: 60, faultCount: 0, outcomes: { accepted: 30, 'contract.bad-input': 30 } })
  })

  test('an error of another kind, thrown, rejected, or caught by nobody', async () => {
    const bad = (bytes: Buffer) => (JSON.parse(bytes.toString('utf8')) as { list: unknown[] }).list.length
    expect((await told(bad)).faults[0]?.what).toMatch(/^(SyntaxError|TypeError): /)
    expect((await told(async (bytes) => bad(bytes))).faultCount).toBeGreaterThan(0)
    expect((await told(() => Promise.reject(new AppError('internal')))).faultCount).toBe(60)
    const late = await told(() => {
      setImmediate(() => {
        throw new TypeError('late')
      })
      return 'accepted'
    })
    expect(late.faultCount).toBe(60)
    expect(late.faults[0]?.what).toContain('nobody caught: TypeError: late')
  })

  test('a prototype that was added to, or changed', async () => {
    const shared = Object.prototype as Record<string, unknown>
    const { valueOf: own } = Object.prototype
    try {
      expect((await told(() => Object.assign(shared, { left: 1 }))).faults).toEqual([{ index: 0, kind: 'one', what: 'changed a prototype' }])
      Reflect.deleteProperty(shared, 'left')
      const other = () => 1
      expect((await told(() => Reflect.set(shared, 'valueOf', other))).faults).toEqual([{ index: 0, kind: 'one', what: 'changed a prototype' }])
    } finally {
      Reflect.deleteProperty(shared, 'left')
      Reflect.set(shared, 'valueOf', own)
    }
  })

  test('an input that takes too long', async () => {
    let nowMs = 0
    let count = 0
    const slow = await told(
      () => {
        count += 1
        nowMs += count === 5 ? 1_001 : 1_000
      },
      { slowMs: 1_000, now: () => nowMs },
    )
    expect(slow).toMatchObject({ faultCount: 1, slowestMs: 1_001, faults: [{ index: 4, what: 'took 1001 ms' }] })
  })
})
