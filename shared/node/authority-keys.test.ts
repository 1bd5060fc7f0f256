import { describe, expect, test } from 'vitest'
import { type AuthorityKeyPayload, authorityKeysAt, pinnedAuthority } from '../authority-keys.ts'
import { followAuthority, namedAuthorityKeys, splitAuthorityStatements, statementsFor } from './authority-keys.ts'
import { generateSigningKey, type SigningKey, signJws, thumbprint } from './signing.ts'

// R061, T3: whoever pinned one key of the authority follows to the newest, by the word of the key before it and nobody else's.

const [first, second, third, thief] = [generateSigningKey(), generateSigningKey(), generateSigningKey(), generateSigningKey()] as const
const now = 1_800_000_000
const said = (by: SigningKey, key: SigningKey, change: Partial<AuthorityKeyPayload> & { number: number }, signer = by) => {
  const same = by === key
  const payload: AuthorityKeyPayload = {
    ...{ version: 1, issuedAt: now, by: by.publicJwk, key: key.publicJwk, until: same ? null : now + 600, next: null },
    ...change,
  }
  return signJws('authority-key', payload, signer)
}
const follow = async (...statements: Promise<string>[]) => (await followAuthority(pinnedAuthority(first.publicJwk), await Promise.all(statements))).known
const newest = async (...statements: Promise<string>[]) => thumbprint((await follow(...statements)).keys[0].key)
const [isFirst, isSecond, isThird] = [first, second, third].map(({ publicJwk }) => thumbprint(publicJwk))

describe('the authority’s keys', () => {
  test('follow one another; each older one counts until its end, and an end only comes nearer', async () => {
    const known = await follow(said(first, second, { number: 3 }), said(second, third, { number: 5, until: now + 50 }))
    expect(authorityKeysAt(known, now)).toEqual([third, second, first].map(({ publicJwk }) => publicJwk))
    expect([authorityKeysAt(known, now + 51), known.number]).toEqual([[third.publicJwk], 5])
    const shorter = await follow(
      said(first, second, { number: 3 }),
      said(second, second, { number: 4, until: now + 9 }),
      said(second, second, { number: 5, until: now + 99 }),
    )
    expect([authorityKeysAt(shorter, now + 9).length, authorityKeysAt(shorter, now + 10)]).toEqual([2, [second.publicJwk]])
  })

  test('follow nobody else: another signer, another kind, an old number, a way back, a key that was replaced', async () => {
    expect(await newest(said(first, thief, { number: 3 }, thief), said(thief, thief, { number: 4 }))).toBe(isFirst)
    expect(await newest(signJws('roster', { number: 3 }, first))).toBe(isFirst)
    expect(await newest(said(first, first, { number: 7 }), said(first, second, { number: 7 }))).toBe(isFirst)
    expect(await newest(said(first, second, { number: 3 }), said(second, first, { number: 4 }))).toBe(isSecond)
    // The stolen first key, after devices have heard of the second: a higher number helps nobody.
    expect(await newest(said(first, second, { number: 3 }), said(first, thief, { number: 9 }))).toBe(isSecond)
    // Without an end for itself, or naming its successor's successor, no key goes.
    expect(await newest(said(first, second, { number: 3, until: null }), said(first, second, { number: 4, next: isThird ?? '' }))).toBe(isFirst)
  })

  test('that were pinned are the only ones that follow; no key takes its pin back', async () => {
    const pin = said(first, first, { number: 2, next: isSecond ?? '' })
    expect(await newest(pin, said(first, thief, { number: 3 }))).toBe(isFirst)
    expect(await newest(pin, said(first, first, { number: 3 }), said(first, thief, { number: 4 }))).toBe(isFirst)
    expect(await newest(pin, said(first, first, { number: 3, next: thumbprint(thief.publicJwk) }), said(first, thief, { number: 4 }))).toBe(isFirst)
    expect(await newest(pin, said(first, second, { number: 3 }), said(second, third, { number: 4 }))).toBe(isThird)
    // The thief of the first key keeps the pin and says the highest number: the pinned key follows all the same, and its numbers count from there on.
    const highest = said(first, first, { number: Number.MAX_SAFE_INTEGER, next: isSecond ?? '' })
    expect(await newest(pin, highest, said(first, second, { number: 3 }), said(second, third, { number: 4 }))).toBe(isThird)
  })

  test('are told from where each listener can follow', async () => {
    const all = await Promise.all([said(first, second, { number: 3 }), said(second, second, { number: 4, until: now }), said(second, third, { number: 5 })])
    const from = (key: SigningKey, number: number) => statementsFor(all, { key: thumbprint(key.publicJwk), number })
    expect([from(first, 0), from(second, 0), from(second, 4), from(third, 5), from(thief, 0)]).toEqual([all, all.slice(1), all.slice(2), [], []])
    expect(from(first, 99)).toEqual(all)
    expect(splitAuthorityStatements(`${all.join('\n')}\nhalf a li\n`)).toEqual(all)
    expect(new Set(namedAuthorityKeys(all).map(thumbprint))).toEqual(new Set([isFirst, isSecond, isThird]))
  })
})
