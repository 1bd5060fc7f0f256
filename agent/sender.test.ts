import { afterEach, expect, test } from 'vitest'
import type { Clock } from './clock.ts'
import { createSender } from './sender.ts'

let over = new AbortController()
afterEach(() => {
  over.abort()
  over = new AbortController()
})

/** A clock whose sleeps end when the test says so. */
function start() {
  const flushes: boolean[] = []
  const failures: unknown[] = []
  const sleeps: { ms: number; wake: () => void }[] = []
  let fails = 0
  const clock = { sleep: (ms: number) => new Promise<void>((wake) => sleeps.push({ ms, wake })) } as unknown as Clock
  const sender = createSender({
    async flush(_signal, { answersOnly }) {
      flushes.push(answersOnly)
      if (fails-- > 0) throw new Error('no network')
    },
    allowed: () => true,
    onFailure: (error) => failures.push(error),
    clock,
    signal: over.signal,
    random: () => 0.5,
  })
  const asleep = (count: number) => expect.poll(() => sleeps.length).toBe(count)
  return { sender, flushes, failures, sleeps, asleep, failOnce: () => (fails = 1) }
}

/** Ends the pause after an answer; what happened follows then. */
async function expectTheRest({ sender, flushes, sleeps, asleep }: ReturnType<typeof start>): Promise<void> {
  await asleep(2)
  expect(flushes).toEqual([true])
  sleeps[1]?.wake()
  await sender.settled()
  expect(flushes).toEqual([true, false])
}

test('an answer that somebody waits for leaves alone and at once; what happened follows when it has gathered', async () => {
  const world = start()
  world.sender.hurry()
  await expectTheRest(world)
})

test('what happened in one moment goes together, and an answer that comes meanwhile does not wait for it', async () => {
  const world = start()
  world.sender.nudge()
  world.sender.nudge()
  await world.asleep(1)
  expect(world.flushes).toEqual([])
  world.sender.hurry()
  await expectTheRest(world)
})

test('after a failure everything is tried again, later', async () => {
  const world = start()
  world.failOnce()
  world.sender.hurry()
  await world.asleep(2)
  expect([world.failures.length, (world.sleeps[1]?.ms ?? 0) > 500]).toEqual([1, true])
  await expectTheRest(world)
})

test('the last words wait for nothing', async () => {
  const { sender, flushes, asleep } = start()
  sender.nudge()
  await asleep(1)
  sender.finish()
  await sender.settled()
  expect(flushes).toEqual([false])
})

test('the last words are all of them, also right behind an answer', async () => {
  const { sender, flushes } = start()
  sender.hurry()
  sender.finish()
  await sender.settled()
  expect(flushes).toEqual([false])
})
