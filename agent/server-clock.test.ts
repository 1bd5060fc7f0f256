import { expect, test } from 'vitest'
import { createServerClock } from './server-clock.ts'

// D14: a device's wrong clock is called that. The server's word changes what is said, never what is accepted.

const beganMs = Date.parse('2026-11-20T12:00:00Z')
const dayMs = 86_400_000

function createWorld(aheadMs = 0) {
  const world = { wallMs: beganMs + aheadMs, elapsedMs: 5_000 }
  const serverClock = createServerClock({ now: () => world.wallMs, elapsed: () => world.elapsedMs })
  const pass = (ms: number) => {
    world.wallMs += ms
    world.elapsedMs += ms
  }
  return { world, pass, ...serverClock }
}

test('nobody has told before the first answer', () => {
  expect(createWorld(400 * dayMs).offSeconds()).toBe(0)
})

test.each([
  ['right', 0, 0],
  ['two minutes ahead', 120_000, 0],
  ['two minutes behind', -120_000, 0],
  ['more ahead', 126_000, 126],
  ['more behind', -126_000, -126],
  ['400 days behind', -400 * dayMs, -400 * 86_400],
])('a clock that is %s', (_what, aheadMs, off) => {
  const { heard, offSeconds } = createWorld(aheadMs)
  heard(beganMs, null)
  expect(offSeconds()).toBe(off)
})

test('one that is set between two answers shows at once, and time that passes is no fault', () => {
  const { world, pass, heard, offSeconds } = createWorld()
  heard(beganMs, null)
  pass(3_600_000)
  expect(offSeconds()).toBe(0)
  world.wallMs -= 3_600_000
  expect(offSeconds()).toBe(-3_600)
})

test('an outdated certificate is believed from a server by whose own time it is none', () => {
  const validity = { fromMs: beganMs - dayMs, untilMs: beganMs + dayMs }
  const { heard, offSeconds } = createWorld(-400 * dayMs)
  expect(() => heard(beganMs - 2 * dayMs, validity)).toThrow(expect.objectContaining({ code: 'server.identity-wrong' }))
  expect(() => heard(beganMs + 2 * dayMs, validity)).toThrow(expect.objectContaining({ code: 'server.identity-wrong' }))
  expect(offSeconds()).toBe(0)
  heard(beganMs, validity)
  expect(offSeconds()).toBe(-400 * 86_400)
})
