import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import type { Credentials } from '@gantry/shared/node/proxy-auth.ts'
import { ProxyCredentials } from '@gantry/shared/node/proxy-credentials.ts'
import { createExceptions, parseProxyUrl } from '@gantry/shared/node/proxy-rules.ts'
import { z } from 'zod'
import type { SecretStore } from '../secret-store.ts'

/** How this computer's client leaves it (R046). A password is never here: it is in the keychain, or in the environment of the start. */
export const ProxySetting = z.discriminatedUnion('use', [
  /** What the environment says (HTTPS_PROXY, NO_PROXY), else the computer's own settings where the host can ask them. */
  z.strictObject({ use: z.literal('system') }),
  z.strictObject({ use: z.literal('none') }),
  z.strictObject({
    use: z.literal('manual'),
    /** `http://host:port`, or `https://host:port` where the proxy itself speaks TLS. */
    url: z.string().max(300),
    /** As in NO_PROXY. */
    except: z.array(z.string().max(300)).max(100).default([]),
    /** PEM file of who vouches for an https proxy; null: the system's trust store. */
    ca: z.string().max(4_096).nullable().default(null),
  }),
  /** The address of a proxy configuration (PAC file). */
  z.strictObject({ use: z.literal('pac'), url: z.string().max(2_000) }),
])
export type ProxySetting = z.infer<typeof ProxySetting>

const Stored = z.strictObject({ version: z.literal(1), proxy: ProxySetting })

export type ProxySettings = {
  /** Errors: `state.unreadable`: a file that cannot be read is not taken for "none". */
  read(): ProxySetting
  /** The credentials belong to the setting: those of before are forgotten. Errors: `proxy.setting-bad`, `auth.keychain-missing`; nothing has changed then. */
  change(setting: ProxySetting, credentials: Credentials | null): Promise<void>
}

/** `proxy.json` in the profile, apart from the window's settings: the window cannot change where the connections go. */
export function openProxySettings(profileDir: string, secretStore: SecretStore): ProxySettings {
  const path = join(profileDir, 'proxy.json')
  return {
    read: () => readJsonFileIfThere(path, Stored)?.proxy ?? { use: 'system' },
    async change(setting, credentials) {
      if (setting.use === 'manual') {
        parseProxyUrl(setting.url, 'proxy.url')
        createExceptions(setting.except, 'except')
      }
      if (setting.use === 'pac') requireNoSecret(setting.url)
      if (credentials === null) {
        if ((await secretStore.get('proxy-credentials').catch(() => null)) !== null) await secretStore.delete('proxy-credentials')
      } else {
        if (!ProxyCredentials.safeParse(credentials).success)
          throw new AppError('proxy.setting-bad', { details: { setting: 'proxy.user', reason: 'credentials' } })
        await secretStore.set('proxy-credentials', JSON.stringify(credentials))
      }
      writeJsonFile(path, { version: 1, proxy: setting })
    },
  }
}

/** What is wrong there is not repeated: it may be the password. */
function requireNoSecret(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : null
  const reason = !url ? 'pac' : url.username !== '' || url.password !== '' ? 'secret-in-url' : null
  if (reason) throw new AppError('proxy.setting-bad', { details: { setting: 'proxy.url', reason } })
}
