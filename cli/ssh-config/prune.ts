import { rmSync, statSync } from 'node:fs'
import { createProfileLock } from '../../main/services/profile-lock.ts'
import type { SecretStore } from '../../main/services/secret-store.ts'
import { type ConfigurationFiles, filesOf, listConfigurations } from './configuration.ts'
import { sessionKeyName } from './session-keys.ts'

/** Each printed configuration keeps a secret, and a secret store is no attic (the sandbox's holds 200). */
export const maxConfigurations = 100

/** Takes away the configurations that were printed or used longest ago, beyond `max`. One whose session is open stays. */
export async function pruneConfigurations(profile: string, store: SecretStore, max = maxConfigurations): Promise<void> {
  const all = listConfigurations(profile).map(({ folder, configuration }) => ({ folder, id: configuration.id, files: filesOf(folder, configuration) }))
  const oldest = all.sort((a, b) => lastUsed(b.files) - lastUsed(a.files)).slice(max)
  for (const { folder, id, files } of oldest) {
    const lock = createProfileLock(files.brokerLock, { waitMs: 0 })
    const remove = async () => {
      await store.delete(sessionKeyName(id))
      rmSync(folder, { recursive: true, force: true })
    }
    // Held by a broker: not now.
    await lock(remove).catch(() => undefined)
  }
}

/** `next.pub` is written when a configuration is printed and whenever a session begins. */
function lastUsed({ next }: ConfigurationFiles): number {
  return statSync(next, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
