import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NewDeviceEvent } from '../shared/audit.ts'
import { generateSigningKey, sha256, signJws } from '../shared/node/signing.ts'
import type { ServerKeysPayload } from '../shared/server-keys.ts'
import { pinnedOnly } from '../test/support/authority-keys.ts'
import { silentLog } from './log.ts'
import { openServerKeys } from './server-keys.ts'

// R061, T3: which keys speak for the servers is the authority's word; a stolen server cannot put its own in their place, nor bring an old one back.

const [authority, pinned, next, stolen] = [generateSigningKey(), generateSigningKey(), generateSigningKey(), generateSigningKey()] as const
const now = 1_800_000_000
let stateDir: string
let events: NewDeviceEvent[]
let lost: string[]
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'server-keys-'))
  events = []
  lost = []
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const open = () =>
  openServerKeys({
    ...{ stateDir, authority: pinnedOnly(authority.publicJwk), ticketKey: pinned.publicJwk, log: silentLog },
    onLost: (what) => lost.push(what),
    audit: (event) => events.push(event),
  })
const listOf = (number: number, change: Partial<ServerKeysPayload> = {}): ServerKeysPayload => ({
  ...{ version: 1, number, issuedAt: now, deviceCas: [sha256('ca')], revoked: [] },
  ticketKeys: [
    { key: next.publicJwk, until: null },
    { key: pinned.publicJwk, until: now + 600 },
  ],
  ...change,
})
const signed = (number: number, change: Partial<ServerKeysPayload> = {}, signer = authority) => signJws('server-keys', listOf(number, change), signer)
const told = () => events.map(({ kind, data }) => (data?.code ? `${kind} ${data.code}` : `${kind} ${data?.number}`))

describe('the servers’ keys at a device', () => {
  test('are the pinned one until the first list; then old and new beside each other, and the old one no longer than listed', async () => {
    const keys = await open()
    expect([keys.number(), keys.ticketKeys(now), keys.deviceCas()]).toEqual([0, [pinned.publicJwk], []])
    await keys.accept(await signed(4))
    expect([keys.number(), keys.ticketKeys(now + 600), keys.deviceCas()]).toEqual([4, [next.publicJwk, pinned.publicJwk], [sha256('ca')]])
    expect(keys.ticketKeys(now + 601)).toEqual([next.publicJwk])
    expect(told()).toEqual(['server-keys.accepted 4'])
  })

  test('change by the authority’s word alone, never backwards; a refusal is told once, however often it comes', async () => {
    const keys = await open()
    await keys.accept(await signed(4))
    const forged = await signed(9, { ticketKeys: [{ key: stolen.publicJwk, until: null }] }, stolen)
    for (const list of [forged, forged, await signed(9, {}, next), await signed(3), await signed(4), 'a.b.c']) await keys.accept(list)
    expect([keys.number(), keys.ticketKeys(now)]).toEqual([4, [next.publicJwk, pinned.publicJwk]])
    expect(told()).toEqual([
      'server-keys.accepted 4',
      'server-keys.refused server.keys-bad',
      'server-keys.refused server.keys-bad',
      'server-keys.refused server.keys-stale',
      'server-keys.refused server.keys-bad',
    ])
  })

  test('of another kind of signature, or with an end for the newest, are none', async () => {
    const keys = await open()
    await keys.accept(await signJws('roster', listOf(4), authority))
    await keys.accept(await signed(4, { ticketKeys: [{ key: stolen.publicJwk, until: now }] }))
    expect([keys.number(), keys.ticketKeys(now)]).toEqual([0, [pinned.publicJwk]])
  })

  test('outlive a restart, and one bad copy; with both bad no ticket key counts until the list comes again', async () => {
    await (await open()).accept(await signed(4))
    const files = readdirSync(stateDir)
    expect(files.sort()).toEqual(['server-keys.json', 'server-keys.json.copy'])
    writeFileSync(join(stateDir, 'server-keys.json'), 'half')
    const again = await open()
    expect([again.number(), again.ticketKeys(now + 601), lost]).toEqual([4, [next.publicJwk], ['server-keys.json']])
    await again.accept(await signed(3))
    expect(again.number()).toBe(4)

    for (const name of files) writeFileSync(join(stateDir, name), 'half')
    const blind = await open()
    expect([blind.number(), blind.ticketKeys(now)]).toEqual([0, []])
    await blind.accept(await signed(4))
    expect(blind.ticketKeys(now + 601)).toEqual([next.publicJwk])
  })
})
