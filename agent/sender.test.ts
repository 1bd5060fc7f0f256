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

test('an answer that somebody waits for leaves alone and at once; what happened follows when it has gathered', async () => {
  const { sender, flushes, sleeps, asleep } = start()
  sender.hurry()
  await asleep(2)
  expect(flushes).toEqual([true])
  sleeps[1]?.wake()
  await sender.settled()
  expect(flushes).toEqual([true, false])
})

test('what happened in one moment goes together, and an answer that comes meanwhile does not wait for it', async () => {
  const { sender, flushes, sleeps, asleep } = start()
  sender.nudge()
  sender.nudge()
  await asleep(1)
  expect(flushes).toEqual([])
  sender.hurry()
  await asleep(2)
  expect(flushes).toEqual([true])
  sleeps[1]?.wake()
  await sender.settled()
  expect(flushes).toEqual([true, false])
})

test('after a failure everything is tried again, later', async () => {
  const { sender, flushes, failures, sleeps, asleep, failOnce } = start()
  failOnce()
  sender.hurry()
  await asleep(2)
  expect([flushes, failures.length]).toEqual([[true], 1])
  expect(sleeps[1]?.ms).toBeGreaterThan(500)
  sleeps[1]?.wake()
  await sender.settled()
  expect(flushes).toEqual([true, false])
})
