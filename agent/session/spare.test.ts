import { expect, test } from 'vitest'
import { keepSpare } from './spare.ts'

const counted = () => {
  let [made, fails] = [0, 0]
  const dropped: number[] = []
  const make = async () => {
    made += 1
    if (fails-- > 0) throw new Error('none')
    return made
  }
  return { spare: keepSpare(make, (one) => dropped.push(one)), dropped, made: () => made, failNext: () => (fails = 1) }
}

test('a spare is there before it is asked for, and is given out once', async () => {
  const { spare, made } = counted()
  spare.fill()
  spare.fill()
  expect(made()).toBe(1)
  expect(await Promise.all([spare.take(), spare.take()])).toEqual([1, 2])
})

test('one that could not be made is made anew for who takes it, who meets the next failure', async () => {
  const { spare, failNext } = counted()
  failNext()
  spare.fill()
  expect(await spare.take()).toBe(2)
  failNext()
  await expect(spare.take()).rejects.toThrow('none')
})

test('what nobody took is dropped at the end, and nothing is made after it', async () => {
  const { spare, dropped, made } = counted()
  spare.fill()
  spare.close()
  spare.fill()
  await Promise.resolve()
  await expect.poll(() => dropped).toEqual([1])
  expect(made()).toBe(1)
})
