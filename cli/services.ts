import { AppError } from '@gantry/shared/errors.ts'
import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { createKeychain } from '../main/keychain.ts'
import { createFindProxy } from '../main/pac/find-proxy.ts'
import { createServices } from '../main/services/create-services.ts'
import { createSandboxSecrets } from '../main/services/sandbox-secrets.ts'
import type { SecretStore } from '../main/services/secret-store.ts'
import type { Services } from '../main/services/services.ts'
import { usageError } from './exit-code.ts'
import { type Place, readCa, readSandbox } from './place.ts'
import { requireRunning } from './sandbox-control.ts'
import { version } from './version.ts'

export type OpenPlace = { services: Services; store: SecretStore; profile: string }
export type OpenOptions = { words: CommandLineWords['usage']; openBrowser?: (url: string) => Promise<void> }

/** The client's services for a place. Errors: `sandbox.not-running`, `usage.bad` where no main server is known. */
export async function openServices(place: Place, { words, openBrowser = noBrowser }: OpenOptions): Promise<OpenPlace> {
  const { profile, mainServer, otherNames, caFile, store } = place.kind === 'sandbox' ? await openSandbox(place.folder) : openProfile(place, words)
  const services = await createServices({
    profileDir: profile,
    mainServer,
    ca: readCa(caFile, words),
    secretStore: store,
    openBrowser,
    findProxy: { pac: createFindProxy() },
    otherNames,
    party: 'command-line',
    about: { version: version(), host: 'browser', hostReason: null, sandbox: place.kind === 'sandbox' },
  })
  return { services, store, profile }
}

/** The folder and the secrets of a place, without a main server. Errors: `sandbox.not-running`. */
export function openProfileOf(place: Place): { folder: string; store: SecretStore } {
  if (place.kind === 'profile') return { folder: place.folder, store: createKeychain() }
  return { folder: readSandbox(place.folder).clientProfile, store: createSandboxSecrets(place.folder) }
}

async function openSandbox(folder: string) {
  const { mainServer, ca, clientProfile } = readSandbox(folder)
  await requireRunning(folder)
  return { profile: clientProfile, mainServer, otherNames: [], caFile: ca, store: createSandboxSecrets(folder) }
}

function openProfile({ folder, server, otherNames, caFile }: Extract<Place, { kind: 'profile' }>, words: CommandLineWords['usage']) {
  if (server === null || caFile === null) throw usageError(words.serverUnknown, '--server')
  return { profile: folder, mainServer: server, otherNames, caFile, store: createKeychain() }
}

/** Commands other than sign-in show no page: who is not signed in is told so. */
async function noBrowser(): Promise<void> {
  throw new AppError('auth.not-signed-in')
}
