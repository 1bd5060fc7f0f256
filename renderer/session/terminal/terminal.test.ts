import type { EventName } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import type { On } from '../../api.ts'
import { createDrawnCounter } from './drawn-counter.ts'
import { joined } from './joined.ts'
import { judgePaste, pieces } from './paste-guard.ts'
import { openTerminalHub } from './terminal-hub.ts'

describe('flow control: what is drawn is told', () => {
  test('in steps during a flood, and to the last character at its end', () => {
    const told: number[] = []
    const counter = createDrawnCounter((characters) => told.push(characters))
    for (let at = 0; at < 10; at++) counter.received(1_000)
    for (let at = 0; at < 10; at++) counter.drawn(1_000)
    expect(told).toEqual([5_000, 5_000])
    counter.received(3)
    counter.drawn(3)
    expect(told).toEqual([5_000, 5_000, 3])
  })

  test('never more is told than was drawn, whatever the pieces', () => {
    let told = 0
    const counter = createDrawnCounter((characters) => {
      told += characters
    })
    let drawn = 0
    for (let size = 1; size < 400; size += 7) {
      counter.received(size)
      counter.drawn(size)
      drawn += size
      expect(told).toBeLessThanOrEqual(drawn)
    }
    expect(told).toBe(drawn)
  })
})

describe('answers to the device', () => {
  test('that come in one go leave in one call, later ones in the next', async () => {
    const sent: string[] = []
    const say = joined((text) => sent.push(text))
    for (const text of ['a', 'b', 'c']) say(text)
    await Promise.resolve()
    say('d')
    await Promise.resolve()
    expect(sent).toEqual(['abc', 'd'])
  })
})

describe('output reaches its pane', () => {
  test('also what came before the pane knew its terminal, and its end', () => {
    const listeners = new Map<EventName, (payload: never) => void>()
    const on: On = (name, listener) => {
      listeners.set(name, listener as (payload: never) => void)
      return () => undefined
    }
    const tell = (name: EventName, payload: unknown) => (listeners.get(name) as (payload: unknown) => void)(payload)
    const hub = openTerminalHub(on)
    const seen: string[] = []
    tell('terminal.data', { terminalId: 'term-1', data: 'early ' })
    tell('terminal.data', { terminalId: 'term-2', data: 'other' })
    const detach = hub.attach('term-1', { data: (text) => seen.push(text), closed: ({ exitCode }) => seen.push(`exit ${exitCode}`) })
    tell('terminal.data', { terminalId: 'term-1', data: 'late ' })
    tell('terminal.closed', { terminalId: 'term-1', exitCode: 0, failure: null })
    expect(seen.join('')).toBe('early late exit 0')
    detach()
    tell('terminal.data', { terminalId: 'term-1', data: 'gone' })
    expect(seen.join('')).toBe('early late exit 0')
  })
})

describe('pasting is guarded', () => {
  test.each([
    ['ls -l', false],
    ['tab\tin a line', false],
    ['rm -rf x\n', true],
    ['one\r\ntwo', true],
    ['up\u001b[A', true],
    ['bell\u0007', true],
    ['c1 \u009b31m', true],
    ['hidden \u202E order', true],
  ])('%j needs consent: %s', (text, needsConsent) => {
    expect(judgePaste(text).needsConsent).toBe(needsConsent)
  })

  test('the end mark of a bracketed paste is taken out, so that a text cannot leave its bracket', () => {
    expect(judgePaste('safe\u001b[201~; rm -rf x').text).toBe('safe; rm -rf x')
  })

  test('a long text goes in pieces that join to the same text and split no character', () => {
    const text = `${'a'.repeat(99_999)}🙂${'b'.repeat(150_000)}`
    const cut = pieces(text)
    expect(cut.join('')).toBe(text)
    expect(cut.every((piece) => piece.length <= 100_000 && piece.isWellFormed())).toBe(true)
  })
})
