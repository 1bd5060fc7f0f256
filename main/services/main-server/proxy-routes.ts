import { readFile } from 'node:fs/promises'
import { AppError } from '@gantry/shared/errors.ts'
import type { Route } from '@gantry/shared/node/dial.ts'
import type { Credentials } from '@gantry/shared/node/proxy-auth.ts'
import { ProxyCredentials } from '@gantry/shared/node/proxy-credentials.ts'
import { createExceptions, fixedRoutes, httpProxy, isLoopback, type ProxyRoutes, parsePacAnswer, parseProxyUrl } from '@gantry/shared/node/proxy-rules.ts'
import type { SecretStore } from '../secret-store.ts'
import type { ProxySetting } from './proxy-setting.ts'

/** What only the host around the services can ask. Answers are in the language of PAC: `PROXY a:8080; DIRECT`. */
export type FindProxy = {
  /** The computer's own settings, where the host can ask them (Electron). */
  system?: ((target: Target) => Promise<string>) | undefined
  /** A proxy configuration at an address. */
  pac?: ((pacUrl: string, target: Target) => Promise<string>) | undefined
}
type Target = { host: string; port: number }

export type ClientProxy = {
  setting: () => ProxySetting
  secretStore: Pick<SecretStore, 'get'>
  /** Of the process's start. */
  env: NodeJS.ProcessEnv
  find: FindProxy
}

/** The client's ways out, as the settings are at that moment. Errors: `proxy.setting-bad {setting, reason}`. */
export function createProxyRoutes({ setting, secretStore, env, find }: ClientProxy): ProxyRoutes {
  const credentials = () => findCredentials(env, secretStore)
  const answered = (answer: string, asked: string): Route[] => {
    const found = parsePacAnswer(answer)
    if (found.length === 0) throw new AppError('proxy.setting-bad', { details: { setting: asked, reason: 'pac-answer' } })
    return found.map((one) => (one === 'direct' ? one : httpProxy(one, { ca: null, credentials })))
  }
  return async (host, port) => {
    const now = setting()
    switch (now.use) {
      case 'none':
        return ['direct']
      case 'manual': {
        const ca = now.ca === null ? null : await readCa(now.ca)
        return fixedRoutes({ address: parseProxyUrl(now.url, 'proxy.url'), ca, except: createExceptions(now.except, 'except'), credentials })(host, port)
      }
      case 'pac':
        return isLoopback(host, port) ? ['direct'] : answered((await find.pac?.(now.url, { host, port })) ?? '', 'PAC')
      case 'system': {
        if (isLoopback(host, port)) return ['direct']
        const fixed = readEnvironment(env, credentials)
        if (fixed) return fixed(host, port)
        return find.system ? answered(await find.system({ host, port }), 'system') : ['direct']
      }
    }
  }
}

/** Lower case goes first, as in curl. */
function readEnvironment(env: NodeJS.ProcessEnv, credentials: () => Promise<Credentials | null>): ProxyRoutes | null {
  const name = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].find((one) => env[one])
  const text = name && env[name]
  if (!name || !text) return null
  // curl takes a host alone too.
  const address = parseProxyUrl(/^\w+:\/\//.test(text) ? text : `http://${text}`, name)
  const except = createExceptions((env.no_proxy ?? env.NO_PROXY ?? '').split(/[\s,]+/), 'NO_PROXY')
  return fixedRoutes({ address, ca: null, except, credentials })
}

/** From the environment of the start, else from the keychain; one that does not answer has none. */
async function findCredentials(env: NodeJS.ProcessEnv, secretStore: Pick<SecretStore, 'get'>): Promise<Credentials | null> {
  const { GANTRY_PROXY_USER: user, GANTRY_PROXY_PASSWORD: password = '' } = env
  if (user) {
    const given = ProxyCredentials.safeParse({ user, password })
    if (!given.success) throw new AppError('proxy.setting-bad', { details: { setting: 'GANTRY_PROXY_USER', reason: 'credentials' } })
    return given.data
  }
  const kept = await secretStore.get('proxy-credentials').catch(() => null)
  return kept === null ? null : ProxyCredentials.parse(JSON.parse(kept))
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new AppError('state.unreadable', { cause, details: { path } })
  }
}
