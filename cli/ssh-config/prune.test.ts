import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createProfileLock } from '../../main/services/profile-lock.ts'
import type { SecretStore } from '../../main/services/secret-store.ts'
import { configurationFolder, filesOf, listConfigurations, newConfigurationId, storeConfiguration } from './configuration.ts'
import { pruneConfigurations } from './prune.ts'

let profile: string
beforeEach(() => {
  profile = mkdtempSync(join(tmpdir(), 'gantry-prune-'))
})
afterEach(() => rmSync(profile, { recursive: true }))

/** A printed configuration whose last use is `age` seconds ago. */
function print(age: number): string {
  const id = newConfigurationId()
  const folder = configurationFolder(profile, id)
  const deviceId = 'dev_abcdefghijklmnopqrst' as DeviceId
  storeConfiguration(folder, {
    ...{ version: 1, id, place: { kind: 'sandbox', folder: '/x' }, deviceId, username: 'a', access: 'os', serviceKind: 'support' },
    ...{ reason: 'r', caseId: 'c', minutes: 1, patientData: false, runtimeFolder: '/tmp/x' },
  })
  const { next } = filesOf(folder, { id, runtimeFolder: '/tmp/x' })
  writeFileSync(next, '')
  utimesSync(next, Date.now() / 1_000 - age, Date.now() / 1_000 - age)
  return id
}

test('the configurations used longest ago go with their secrets; one whose session is open stays', async () => {
  const ids = [print(10), print(40), print(20), print(30)]
  const deleted: string[] = []
  const store: SecretStore = { kind: 'sandbox', get: async () => null, set: async () => undefined, delete: async (name) => void deleted.push(name) }
  const oldest = configurationFolder(profile, ids[1] ?? '')
  const lock = createProfileLock(filesOf(oldest, { id: ids[1] ?? '', runtimeFolder: '/tmp/x' }).brokerLock, { waitMs: 0 })
  await lock(() => pruneConfigurations(profile, store, 2))
  expect(deleted).toEqual([`session-key:${ids[3]}`])
  expect(new Set(listConfigurations(profile).map(({ configuration }) => configuration.id))).toEqual(new Set([ids[0], ids[1], ids[2]]))
})
