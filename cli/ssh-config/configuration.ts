import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DeviceId, newId } from '@gantry/shared/ids.ts'
import { readJsonFile, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { AccessLevel, ServiceKind } from '@gantry/shared/profile.ts'
import { z } from 'zod'
import { Place } from '../place.ts'

/**
 * What one printed configuration stands for: a folder `ssh/<id>` in the profile, 0700, without any secret in it.
 *
 *   configuration.json   what to ask for, and where
 *   session.pub          public half of the key of the running session, or of the last one
 *   next.pub             of the next session: OpenSSH reads public halves before ProxyCommand can have done anything, so the next session's must lie there before
 *   support.pub          of the support key
 *   known_hosts          the device's registered host key, written when its signed answer is here
 *   start.lock broker.lock
 */
export const Configuration = z.strictObject({
  version: z.literal(1),
  id: z.string().regex(/^cfg_[a-z2-7]{20}$/),
  place: Place,
  deviceId: DeviceId,
  username: z.string(),
  access: AccessLevel,
  serviceKind: ServiceKind,
  reason: z.string(),
  caseId: z.string(),
  minutes: z.number(),
  /** Whether the person at the device is asked for what may hold patient data, before anything joins the session. */
  patientData: z.boolean().default(false),
  /** Short and 0700: a Unix socket's path has 104 to 108 bytes (unix(7)), a profile's has no limit. */
  runtimeFolder: z.string(),
})
export type Configuration = z.infer<typeof Configuration>

export type ConfigurationFiles = Record<
  'configuration' | 'session' | 'next' | 'support' | 'knownHosts' | 'startLock' | 'brokerLock' | 'brokerSocket' | 'agentSocket',
  string
>

export function filesOf(folder: string, { id, runtimeFolder }: Pick<Configuration, 'id' | 'runtimeFolder'>): ConfigurationFiles {
  return {
    configuration: join(folder, 'configuration.json'),
    session: join(folder, 'session.pub'),
    next: join(folder, 'next.pub'),
    support: join(folder, 'support.pub'),
    knownHosts: join(folder, 'known_hosts'),
    startLock: join(folder, 'start.lock'),
    brokerLock: join(folder, 'broker.lock'),
    brokerSocket: socketPath(runtimeFolder, id, 'session'),
    agentSocket: socketPath(runtimeFolder, id, 'keys'),
  }
}

/** Windows has named pipes in place of Unix sockets, and OpenSSH there takes one as IdentityAgent. */
function socketPath(runtimeFolder: string, id: string, name: string): string {
  return process.platform === 'win32' ? `\\\\.\\pipe\\gantry-${id}-${name}` : join(runtimeFolder, name)
}

export function newConfigurationId(): string {
  return newId('cfg')
}

export function configurationFolder(profile: string, id: string): string {
  return join(profile, 'ssh', id)
}

export function storeConfiguration(folder: string, configuration: Configuration): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeJsonFile(join(folder, 'configuration.json'), configuration)
}

/** Throws `state.unreadable`. */
export function readConfiguration(folder: string): Configuration {
  return readJsonFile(join(folder, 'configuration.json'), Configuration)
}

/** Folders of all configurations that were printed for this profile; one that cannot be read is left out. */
export function listConfigurations(profile: string): { folder: string; configuration: Configuration }[] {
  const folders = names(join(profile, 'ssh')).map((name) => configurationFolder(profile, name))
  return folders.flatMap((folder) => {
    try {
      return [{ folder, configuration: readConfiguration(folder) }]
    } catch {
      return []
    }
  })
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
