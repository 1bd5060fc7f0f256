import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { openWithPassphrase, PassphraseBox, sealWithPassphrase } from './passphrase-box.ts'
import { openByBoth, sealToBoth } from './sealed-to.ts'
import { createSecretReader } from './secret-line.ts'
import { generateSigningKey } from './signing.ts'

describe('a secret behind a passphrase (D20)', () => {
  test('comes back for the passphrase, however its accents were composed, and for nothing else', async () => {
    const box = await sealWithPassphrase('the secret', 'Crème brûlée', 'a key', 2 ** 14)
    expect(PassphraseBox.parse(JSON.parse(JSON.stringify(box)))).toEqual(box)
    expect(JSON.stringify(box)).not.toContain('the secret')
    expect(await openWithPassphrase(box, 'Crème brûlée'.normalize('NFD'), 'a key')).toBe('the secret')
    expect(await openWithPassphrase(box, 'creme brulee', 'a key')).toBeNull()
    expect(await openWithPassphrase(box, 'Crème brûlée', 'another key')).toBeNull()
  })

  test('an altered box gives nothing, and one with a cheap cost is no box', async () => {
    const box = await sealWithPassphrase('the secret', 'a passphrase', 'a key', 2 ** 14)
    const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
    for (const name of ['salt', 'nonce', 'sealed'] as const)
      expect(await openWithPassphrase({ ...box, [name]: flip(box[name]) }, 'a passphrase', 'a key')).toBeNull()
    expect(PassphraseBox.safeParse({ ...box, cost: 2 }).success).toBe(false)
    expect((await sealWithPassphrase('s', 'p', 'a key')).cost).toBe(2 ** 17)
  })
})

describe('a secret for two people', () => {
  test('opens with both keys in order, and with no one of them', async () => {
    const [first, second, other] = [generateSigningKey(), generateSigningKey(), generateSigningKey()]
    const sealed = await sealToBoth('the key', [first.publicJwk, second.publicJwk])
    expect(await openByBoth(sealed, [first.privateKey, second.privateKey])).toBe('the key')
    for (const [one, two] of [
      [first, first] as const,
      [second, second] as const,
      [second, first] as const,
      [other, second] as const,
      [first, other] as const,
    ]) {
      await expect(openByBoth(sealed, [one.privateKey, two.privateKey])).rejects.toThrow()
    }
  })
})

describe('secrets that are typed one after another (D20)', () => {
  const reader = (pieces: string[]) => {
    const stdin = new PassThrough()
    const read = createSecretReader({ stdin, stderr: new PassThrough() })
    for (const piece of pieces) stdin.write(piece)
    stdin.end()
    return read
  }

  test('come one for each question, wherever the pipe was cut', async () => {
    for (const pieces of [['one\ntwo\r\nthree'], ['o', 'ne\nt', 'wo\r', '\nthree']]) {
      const read = reader(pieces)
      expect([await read(''), await read(''), await read(''), await read('')]).toEqual(['one', 'two', 'three', null])
    }
  })
})
