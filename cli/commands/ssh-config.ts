import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import type { ExitCode } from '../exit-code.ts'
import { defaults, parseAsk } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { configText } from '../ssh-config/config-text.ts'
import { type Configuration, configurationFolder, filesOf, newConfigurationId, storeConfiguration } from '../ssh-config/configuration.ts'
import { hostPattern } from '../ssh-config/host-name.ts'
import { pruneConfigurations } from '../ssh-config/prune.ts'
import { chooseRuntimeFolder } from '../ssh-config/runtime-folder.ts'
import { prepareSessionKeys } from '../ssh-config/session-keys.ts'
import { publicLine } from '../ssh-config/ssh-wire.ts'
import { withServices } from '../with-services.ts'

/** Prints a configuration and asks nobody: the device is asked by the first connection that uses it. */
export async function sshConfig({ place, console, options, args }: CommandContext): Promise<ExitCode> {
  const ask = parseAsk(options, defaults['ssh-config'], console.words.usage)
  return withServices({ place, console }, async ({ services, store, profile }) => {
    const typed = args[0] ?? ''
    const device = await services.devices.find(typed)
    const pattern = hostPattern(typed, device.id, console.words.usage)
    const { payload } = await services.keys.loadSpecialist()
    const id = newConfigurationId()
    const configuration: Configuration = {
      ...{ version: 1, id, place, deviceId: device.id, username: payload.username, ...ask },
      runtimeFolder: chooseRuntimeFolder(id, console.io.env),
    }
    const folder = configurationFolder(profile, id)
    const files = filesOf(folder, configuration)
    const text = configText(
      {
        ...{ hostPattern: pattern, deviceId: device.id, username: payload.username, agentSocket: files.agentSocket, knownHosts: files.knownHosts },
        proxyCommand: [process.execPath, fileURLToPath(new URL('../main.ts', import.meta.url)), 'ssh-proxy', folder],
        identityFiles: [files.session, files.support, files.next],
      },
      console.words.usage,
    )
    mkdirSync(join(profile, 'ssh'), { recursive: true, mode: 0o700 })
    storeConfiguration(folder, configuration)
    writeFileWhole(files.support, publicLine(payload.supportKey, 'gantry-support'))
    writeFileWhole(files.knownHosts, '')
    await prepareSessionKeys({ id, files, store })
    await pruneConfigurations(profile, store)
    console.answer({ host: typed, folder, configuration: text }, () => text)
    return 0
  })
}
