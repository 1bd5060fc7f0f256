import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Delivery } from '../shared/agent-api.ts'
import type { NewDeviceEvent } from '../shared/audit.ts'
import type { AuthorityKeyPayload } from '../shared/authority-keys.ts'
import { newId } from '../shared/ids.ts'
import { generateSigningKey, type SigningKey, sha256, signingKeyFrom, signJws, thumbprint } from '../shared/node/signing.ts'
import type { ServerKeysPayload } from '../shared/server-keys.ts'
import type { RosterPayload } from '../shared/ticket.ts'
import { createDeviceFolder } from '../test/support/device.ts'
import { startMainServerDouble } from '../test/support/main-server-double.ts'
import { createPeople } from '../test/support/people.ts'
import { type AgentOptions, startAgent } from './app.ts'
import { openAuthorityKeys } from './authority-keys.ts'
import { silentLog } from './log.ts'
import { openRosterStore } from './roster.ts'
import { openServerKeys } from './server-keys.ts'

// R061, T3, T4: a device learns of the authority's next key from the key before it, and what is taken back is taken back with the next poll.

const [first, second, thief] = [generateSigningKey(), generateSigningKey(), generateSigningKey()] as const
const now = 1_800_000_000
let stateDir: string
let events: NewDeviceEvent[]
let lost: string[]
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'authority-keys-'))
  events = []
  lost = []
})
afterEach(() => rmSync(stateDir, { recursive: true, force: true }))

const onLost = (what: string) => void lost.push(what)
const open = () => openAuthorityKeys({ stateDir, authorityKey: first.publicJwk, onLost, audit: (event) => events.push(event), log: silentLog })
const succession = (by: SigningKey, key: SigningKey, number: number, until = now + 600) => {
  const payload: AuthorityKeyPayload = { version: 1, number, issuedAt: now, by: by.publicJwk, key: key.publicJwk, until, next: null }
  return signJws('authority-key', payload, by)
}
const roster = (number: number, signer: SigningKey) => {
  const payload: RosterPayload = { version: 1, number, issuedAt: now, expiresAt: now + 86_400, specialists: [] }
  return signJws('roster', payload, signer)
}

describe('the authority’s key at a device', () => {
  test('changes by the word of the key before it; the old one counts for certificates until its end, and not a second longer', async () => {
    const keys = await open()
    expect([keys.newest(), keys.told()]).toEqual([first.publicJwk, { key: thumbprint(first.publicJwk), number: 0 }])
    await keys.accept([await succession(first, second, 4)])
    expect([keys.newest(), keys.counting(now + 600), keys.counting(now + 601)]).toEqual([
      second.publicJwk,
      [second.publicJwk, first.publicJwk],
      [second.publicJwk],
    ])
    expect(keys.told()).toEqual({ key: thumbprint(second.publicJwk), number: 4 })
    expect(events).toMatchObject([{ kind: 'authority-keys.accepted', data: { number: 4, before: thumbprint(first.publicJwk), until: now + 600 } }])
  })

  test('does not change by anybody else’s, nor by that of a key that was replaced; a refusal is told once', async () => {
    const keys = await open()
    const forged = [await signJws('authority-key', { by: first.publicJwk, key: thief.publicJwk }, thief)]
    for (const _ of [1, 2]) await keys.accept(forged)
    await keys.accept([await succession(first, second, 4)])
    await keys.accept([await succession(first, thief, 99)])
    expect(keys.newest()).toEqual(second.publicJwk)
    expect(events.map(({ kind }) => kind)).toEqual(['authority-keys.refused', 'authority-keys.accepted', 'authority-keys.refused'])
  })

  test('outlives a restart and one bad copy; with both bad nobody counts until it is told again, the old key least of all', async () => {
    const statement = await succession(first, second, 4)
    await (await open()).accept([statement])
    writeFileSync(join(stateDir, 'authority-keys.json'), 'half')
    expect((await open()).newest()).toEqual(second.publicJwk)
    for (const name of readdirSync(stateDir)) writeFileSync(join(stateDir, name), 'half')
    const blind = await open()
    expect([blind.newest(), blind.counting(now), blind.known(), blind.told().number]).toEqual([null, [], [], 0])
    await blind.accept([statement])
    expect([blind.newest(), lost.length > 0]).toEqual([second.publicJwk, true])
    // Whole, and not the way from the pinned key: as good as lost.
    const cut = JSON.stringify({ version: 1, statements: [await succession(second, thief, 9)] })
    for (const name of readdirSync(stateDir)) writeFileSync(join(stateDir, name), cut)
    expect((await open()).newest()).toBeNull()
  })

  test('signs rosters and lists alone from its first day on: who stole the key before it makes none, and no number of theirs is in the way', async () => {
    const authority = await open()
    const rosters = await openRosterStore({ stateDir, authority, onLost })
    const lists = await openServerKeys({ stateDir, authority, ticketKey: thief.publicJwk, onLost, audit: () => undefined, log: silentLog })
    const list = (number: number, signer: SigningKey) => {
      const ticketKeys = [{ key: signer.publicJwk, until: null }]
      const payload: ServerKeysPayload = { version: 1, number, issuedAt: now, ticketKeys, deviceCas: [sha256('ca')], revoked: [] }
      return signJws('server-keys', payload, signer)
    }
    await rosters.accept(await roster(900_000_000, first))
    await lists.accept(await list(900_000_000, first))
    await authority.accept([await succession(first, second, 5, now)])
    // What was accepted goes on until the next one; the main server is asked for that.
    expect([rosters.current()?.number, rosters.number(), lists.number()]).toEqual([900_000_000, 0, 0])
    expect(lists.ticketKeys(now)).toEqual([first.publicJwk])
    await expect(rosters.accept(await roster(900_000_001, first))).rejects.toMatchObject({ code: 'access.roster-missing' })
    await lists.accept(await list(900_000_001, first))
    expect(await rosters.accept(await roster(5, second))).toMatchObject({ number: 5 })
    await lists.accept(await list(5, second))
    expect([lists.number(), lists.ticketKeys(now)]).toEqual([5, [second.publicJwk]])
    await expect(rosters.accept(await roster(4, second))).rejects.toMatchObject({ code: 'access.roster-stale' })

    const again = await openAuthorityKeys({ stateDir, authorityKey: first.publicJwk, onLost, audit: () => undefined, log: silentLog })
    expect((await openRosterStore({ stateDir, authority: again, onLost })).number()).toBe(5)
  })
})

describe('an agent at work', () => {
  test('follows in the poll that brings it: from then on the old key’s certificates open nothing, and the new key’s do (R061, T3)', async () => {
    const people = createPeople()
    const server = await startMainServerDouble({ people })
    const device = createDeviceFolder({ origin: server.origin, ca: server.ca, authorityKey: people.authority.publicJwk })
    device.writePolicy({ rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } })
    const opened: string[] = []
    const openSession: AgentOptions['openSession'] = async ({ grant }) => {
      opened.push(grant.request.id)
      return 'specialist'
    }
    const agent = await startAgent(device.config, { log: silentLog, timing: { intervalMs: 60, holdMs: 2_000 }, policyLookMs: 20, openSession })
    try {
      await agent.polled
      const at = Math.floor(Date.now() / 1_000)
      const rosterBy = async (signer: SigningKey, number: number): Promise<Delivery> => {
        const { text } = await people.roster({ number }, signer)
        return { id: newId('dlv'), kind: 'data-file', name: 'roster', version: number, sha256: sha256(text), content: text }
      }
      // Both in one answer: the statement counts before what comes beside it.
      server.authorityKeys = [await succession(people.authority, second, 2, at - 1)]
      server.queue(await rosterBy(second, 2))
      await server.waitFor(() => server.polls.at(-1)?.rosterNumber === 2)
      expect(server.polls.at(-1)?.authority).toEqual({ key: thumbprint(second.publicJwk), number: 2 })

      const deviceKey = signingKeyFrom(JSON.parse(readFileSync(join(device.config.stateDir, 'identity.json'), 'utf8')).keys.device).publicJwk
      const ask = (certificate: string) => people.request({ deviceId: server.deviceId, deviceKey }, { certificate, request: { access: 'diagnostics' } })
      const [old, next] = [await ask(await people.certificate()), await ask(await people.certificate({}, second))]
      for (const { delivery } of [old, next]) server.queue(delivery)
      const answered = (id: string) => server.answers.find(({ requestId, answer }) => requestId === id && answer.kind !== 'picked-up')?.answer
      await server.waitFor(() => answered(old.request.id) && answered(next.request.id))
      expect([answered(old.request.id), answered(next.request.id)]).toMatchObject([{ kind: 'refused', code: 'access.certificate-bad' }, { kind: 'approved' }])
      await server.waitFor(() => opened.length > 0)
      expect(opened).toEqual([next.request.id])
    } finally {
      await agent.stop()
      await server.close()
      device.remove()
    }
  })
})
