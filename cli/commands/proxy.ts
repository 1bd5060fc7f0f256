import { existsSync, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { openProxySettings, type ProxySetting } from '../../main/services/main-server/proxy-setting.ts'
import { type ExitCode, usageError } from '../exit-code.ts'
import type { CommandContext } from '../program.ts'
import { readSecretLine } from '../secret-line.ts'
import { openProfileOf } from '../services.ts'

/** Says or sets how this computer's client leaves it (R046); the desktop client reads the same setting. Works before any sign-in: it may be what the sign-in needs. */
export async function setProxy({ place, console, options, args: [wanted] }: CommandContext): Promise<ExitCode> {
  const { words } = console
  const { folder, store } = openProfileOf(place)
  const settings = openProxySettings(folder, store)
  if (wanted !== undefined) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const setting = parseSetting(wanted, options, words.usage)
    const user = typeof options.user === 'string' ? options.user : null
    const password = user === null ? '' : await readSecretLine(console.io, words.proxy.password(user), words.proxy.noPassword)
    await settings.change(setting, user === null ? null : { user, password })
  }
  const proxy = settings.read()
  console.answer({ proxy }, () => `${words.proxy[proxy.use]('url' in proxy ? proxy.url : '')}\n`)
  return 0
}

/** An address with a path is a proxy configuration (PAC file); one without is a proxy. */
export function parseSetting(wanted: string, options: CommandContext['options'], words: CommandLineWords['usage']): ProxySetting {
  if (wanted === 'system' || wanted === 'none') return { use: wanted }
  const url = URL.canParse(wanted) ? new URL(wanted) : null
  if (!url || !['http:', 'https:', 'file:'].includes(url.protocol)) throw usageError(words.badProxy, 'SETTING')
  if (url.protocol === 'file:' || url.pathname !== '/') return { use: 'pac', url: wanted }
  const except = typeof options.except === 'string' ? options.except.split(',').map((one) => one.trim()) : []
  const ca = typeof options.proxyCa === 'string' ? resolve(options.proxyCa) : null
  if (ca !== null && !existsSync(ca)) throw usageError(words.badCa(ca), '--proxy-ca')
  return { use: 'manual', url: wanted, except: except.filter(Boolean), ca }
}
