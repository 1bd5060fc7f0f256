import { describe, expect, test } from 'vitest'
import { hashPassword, verifyPassword } from './password.ts'

describe('passwords', () => {
  test('are kept as Argon2id in PHC form, salted anew each time', async () => {
    const [one, two] = [await hashPassword('a long password'), await hashPassword('a long password')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(one).not.toBe(two)
    expect(await verifyPassword('a long password', one)).toBe(true)
    expect(await verifyPassword('a long passworD', one)).toBe(false)
  })

  test('a stored string that is none of ours never fits', async () => {
    const other = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$'
    for (const stored of [`${other}${'A'.repeat(43)}`, `${other}short`, 'plain text', '']) expect(await verifyPassword('plain text', stored)).toBe(false)
  })

  test('an account that does not exist never fits', async () => {
    expect(await verifyPassword('', null)).toBe(false)
  })
})
