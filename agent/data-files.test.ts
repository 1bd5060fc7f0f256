import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NewAuditEvent } from '../shared/audit.ts'
import { newId } from '../shared/ids.ts'
import { generateSigningKey, sha256 } from '../shared/node/signing.ts'
import { pinnedOnly } from '../test/support/authority-keys.ts'
import { createPeople } from '../test/support/people.ts'
import { createDataFiles, type DataFile } from './data-files.ts'
import { openRosterStore } from './roster.ts'
import { memoryState } from './state-file.ts'

const people = createPeople()
let folder: string
let events: NewAuditEvent[]
let lost: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-'))
  events = []
  lost = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function open() {
  const roster = await openRosterStore({ stateDir: folder, authority: pinnedOnly(people.authority.publicJwk), onLost: (what) => lost.push(what) })
  const files = createDataFiles({ stateDir: folder, versions: memoryState({}), roster, audit: (event) => events.push(event) })
  return { roster, files }
}
const file = (name: string, version: number, content: string): DataFile => ({
  id: newId('dlv'),
  kind: 'data-file',
  name,
  version,
  sha256: sha256(content),
  content,
})
const rosterFile = async (number: number, signer = people.authority) => file('roster', number, (await people.roster({ number }, signer)).text)
const kinds = () => events.map(({ kind, data }) => (data?.code ? `${kind} ${data.code}` : kind))

describe('the roster', () => {
  test('counts under the pinned authority alone, never steps back, and is kept across a restart (R062)', async () => {
    const { roster, files } = await open()
    await files.store(await rosterFile(3))
    await files.store(await rosterFile(2))
    await files.store(await rosterFile(9, generateSigningKey()))
    await files.store({ ...(await rosterFile(4)), sha256: sha256('something else') })
    expect(roster.current()?.number).toBe(3)
    expect((await open()).roster.current()?.number).toBe(3)
    expect(kinds()).toEqual([
      'roster.accepted',
      'roster.refused access.roster-stale',
      'roster.refused access.roster-missing',
      'roster.refused file.digest-differs',
    ])
  })

  test('that is delivered again is neither stored nor audited again', async () => {
    const { files } = await open()
    const one = await rosterFile(3)
    await files.store(one)
    await files.store(one)
    expect(kinds()).toEqual(['roster.accepted'])
  })

  test('on the disk is not believed because it lies there', async () => {
    const { files } = await open()
    await files.store(await rosterFile(3))
    const forged = { version: 1, number: 3, roster: (await people.roster({ number: 3 }, generateSigningKey())).text }
    for (const name of ['roster.json', 'roster.json.copy']) writeFileSync(join(folder, name), JSON.stringify(forged))
    const { roster, files: again } = await open()
    expect(roster.current()).toBeNull()
    await again.store(await rosterFile(2))
    expect(roster.current()).toBeNull()
    await again.store(await rosterFile(3))
    expect(roster.current()?.number).toBe(3)
  })

  test('that cannot be read means nobody until it comes again', async () => {
    const { files } = await open()
    await files.store(await rosterFile(3))
    for (const name of ['roster.json', 'roster.json.copy']) writeFileSync(join(folder, name), '{')
    const { roster, files: again } = await open()
    expect(roster.current()).toBeNull()
    expect(lost).toContain('roster.json')
    await again.store(await rosterFile(3))
    expect(roster.current()?.number).toBe(3)
  })
})

describe('other data files', () => {
  test('are stored whole or not at all, and an older version never replaces a newer one (R052)', async () => {
    const { files } = await open()
    await files.store(file('contacts.json', 2, '{"phone":"+1 555 0100"}'))
    await files.store(file('contacts.json', 1, 'old'))
    await files.store({ ...file('notes.txt', 1, 'hello'), sha256: sha256('tampered') })
    expect(readFileSync(join(folder, 'data', 'contacts.json'), 'utf8')).toBe('{"phone":"+1 555 0100"}')
    expect(existsSync(join(folder, 'data', 'notes.txt'))).toBe(false)
    expect(kinds()).toEqual(['data-file.stored', 'data-file.refused contract.bad-input', 'data-file.refused file.digest-differs'])
  })
})
