import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generateSigningKey, sha256, signJws, thumbprint } from '../../shared/node/signing.ts'
import type { ServerKeysPayload } from '../../shared/server-keys.ts'
import { openListedKeys } from './listed-keys.ts'

// R061: an access server follows the authority's list of ticket keys, whichever main server hands it on.

const [authority, first, next, stolen] = [generateSigningKey(), generateSigningKey(), generateSigningKey(), generateSigningKey()] as const
const now = 1_800_000_000
let stateDir: string
let path: string
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'listed-'))
  path = join(stateDir, 'server-keys.jws')
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const open = (authorityKey: typeof authority.publicJwk | null = authority.publicJwk) => openListedKeys({ stateDir, ticketKey: first.publicJwk, authorityKey })
const list = (number: number, signer = authority, newest = next) => {
  const ticketKeys = [
    { key: newest.publicJwk, until: null },
    { key: first.publicJwk, until: now },
  ]
  const payload: ServerKeysPayload = { version: 1, number, issuedAt: now, ticketKeys, deviceCas: [sha256('ca')], revoked: [] }
  return signJws('server-keys', payload, signer)
}

test('the config’s key counts until the first list, then what the list says, also after a restart without a main server', async () => {
  const keys = await open()
  expect([keys.ticketKeys(now), keys.mainServer()]).toEqual([[first.publicJwk], thumbprint(first.publicJwk)])
  expect([await keys.accept(await list(2)), await keys.accept(await list(2)), await keys.accept(await list(1))]).toEqual([true, false, false])
  for (const known of [keys, await open()]) {
    expect([known.ticketKeys(now), known.ticketKeys(now + 1)]).toEqual([[next.publicJwk, first.publicJwk], [next.publicJwk]])
    expect(known.mainServer()).toBe(thumbprint(next.publicJwk))
  }
})

test('a list that somebody else signed changes nothing; one on the disk that does not verify stops the start', async () => {
  const keys = await open()
  await expect(keys.accept(await list(9, stolen, stolen))).rejects.toMatchObject({ code: 'server.keys-bad' })
  expect(keys.ticketKeys(now)).toEqual([first.publicJwk])
  await keys.accept(await list(2))
  writeFileSync(path, readFileSync(path, 'utf8').replace('.', '.A'))
  await expect(open()).rejects.toMatchObject({ code: 'state.unreadable' })
})

test('without the authority’s key in its config it follows no list at all', async () => {
  const keys = await open(null)
  expect([await keys.accept(await list(2)), keys.ticketKeys(now)]).toEqual([false, [first.publicJwk]])
})

test('the authority’s own next key is followed by the word of the one before it, and its lists count also after a restart (T3)', async () => {
  const successor = generateSigningKey()
  const succession = (by: typeof authority, key: typeof authority) => {
    const said = { version: 1, number: 3, issuedAt: now, by: by.publicJwk, key: key.publicJwk, until: now, next: null }
    return signJws('authority-key', said, by)
  }
  const keys = await open()
  await keys.accept(await list(900))
  expect(await keys.follow([await succession(stolen, stolen)])).toBe(false)
  expect([await keys.follow([await succession(authority, successor)]), (await open()).ticketKeys(now).length]).toEqual([true, 2])
  // Whoever stole the key before it makes no list with it, and no number of theirs is in the way.
  await expect(keys.accept(await list(901, authority, stolen))).rejects.toMatchObject({ code: 'server.keys-bad' })
  expect(await keys.accept(await list(3, successor, successor))).toBe(true)
  for (const known of [keys, await open()]) expect(known.mainServer()).toBe(thumbprint(successor.publicJwk))
  // Statements that lead nowhere would leave the key before it as the newest.
  writeFileSync(join(dirname(path), 'authority-keys.jws'), `${await succession(successor, stolen)}\n`)
  await expect(open()).rejects.toMatchObject({ code: 'state.unreadable' })
  expect(await (await open(null)).follow([await succession(authority, successor)])).toBe(false)
})
