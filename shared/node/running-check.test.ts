import { createCipheriv, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRunningCheck } from './running-check.ts'
import { newNonce } from './signing.ts'

const whole = (key: string, octets: Uint8Array) => {
  const gmac = createCipheriv('aes-256-gcm', Buffer.from(key, 'base64url'), Buffer.alloc(12)).setAAD(octets)
  gmac.final()
  return gmac.getAuthTag().toString('base64url')
}

test('is GMAC of the octets, however they are cut and repeated on their way', () => {
  const octets = randomBytes(50_000)
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(5_000), fc.nat(20_000)), { maxLength: 30 }), (pieces) => {
      const key = newNonce()
      const check = createRunningCheck(key)
      for (const [back, length] of pieces) {
        const at = Math.max(0, check.position - back)
        expect(check.add(octets.subarray(at, at + length), at)).toBe(true)
      }
      check.add(octets.subarray(check.position), check.position)
      expect([check.position, check.tag(), check.tag()]).toEqual([octets.length, whole(key, octets), whole(key, octets)])
    }),
  )
})

test('covers nothing behind a gap, and nothing once it has ended', () => {
  const check = createRunningCheck(newNonce())
  expect([check.add(Buffer.from('a'), 0), check.add(Buffer.from('c'), 2), check.position]).toEqual([true, false, 1])
  check.tag()
  expect([check.add(Buffer.from('b'), 1), check.position]).toEqual([false, 1])
})

test('another octet, another key, or another order is another tag', () => {
  const octets = randomBytes(1_000)
  const key = newNonce()
  const tagOf = (contents: Buffer, under = key) => {
    const check = createRunningCheck(under)
    check.add(contents, 0)
    return check.tag()
  }
  const changed = Buffer.from(octets)
  changed[999] = (changed[999] ?? 0) ^ 1
  expect(new Set([tagOf(octets), tagOf(changed), tagOf(octets, newNonce()), tagOf(octets.toReversed() as Buffer)]).size).toBe(4)
})
