import crypto from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { loadWithFastCrypto } from './packet-speed.ts'

/** What a module sees that takes its functions out of `node:crypto` when it is loaded, as ssh2 does. */
const load = () => loadWithFastCrypto(async () => ({ ...crypto }))

describe('cryptography for packets (D25)', () => {
  test('what was changed for the module is as before for everybody else', async () => {
    const { createCipheriv, randomFillSync } = crypto
    const loaded = await load()
    expect(loaded.randomFillSync).not.toBe(randomFillSync)
    expect(crypto.createCipheriv).toBe(createCipheriv)
    expect(crypto.randomFillSync).toBe(randomFillSync)
  })

  test('random octets fill what was asked for and nothing beside it', async () => {
    const { randomFillSync } = await load()
    for (let round = 0; round < 2_000; round += 1) {
      const size = 4 + (round % 60)
      const target = Buffer.alloc(size + 8)
      randomFillSync(target, 4, size)
      expect(target.subarray(0, 4).equals(Buffer.alloc(4)) && target.subarray(size + 4).equals(Buffer.alloc(4))).toBe(true)
    }
  })

  test('no octets are given out twice: 16 each of 5,000 times differ, and all values come', async () => {
    const { randomFillSync } = await load()
    const seen = new Set<string>()
    const values = new Set<number>()
    for (let round = 0; round < 5_000; round += 1) {
      const octets = randomFillSync(Buffer.alloc(16))
      seen.add(octets.toString('hex'))
      for (const octet of octets) values.add(octet)
    }
    expect(seen.size).toBe(5_000)
    expect(values.size).toBe(256)
  })

  test('a large request is drawn by itself', async () => {
    const { randomFillSync } = await load()
    const octets = randomFillSync(Buffer.alloc(10_000))
    expect(new Set(octets).size).toBe(256)
  })

  test('ciphers with a key in octets give what they always gave', async () => {
    const { createCipheriv } = await load()
    const [key, iv] = [Buffer.alloc(16, 1), Buffer.alloc(12, 2)]
    const encrypt = (create: typeof crypto.createCipheriv) => {
      const cipher = create('aes-128-gcm', key, iv)
      return Buffer.concat([cipher.update('a packet'), cipher.final(), cipher.getAuthTag()])
    }
    expect(encrypt(createCipheriv).equals(encrypt(crypto.createCipheriv))).toBe(true)
  })
})
