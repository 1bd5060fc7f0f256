import { readProxyCredentials } from '@gantry/shared/node/proxy-credentials.ts'
import { createExceptions, fixedRoutes, type ProxyRoutes, parseProxyUrl } from '@gantry/shared/node/proxy-rules.ts'
import type { Config } from './config.ts'

/** Where it stands, for the list of what this device reaches. */
export function proxyPlace(proxy: Config['proxy']): { host: string; port: number } | null {
  if (!proxy) return null
  const { host, port } = parseProxyUrl(proxy.url, 'proxy.url')
  return { host, port }
}

/** The site's proxy, as `device.json` names it; undefined: there is none. The environment is not asked: who starts the agent does not decide where it goes. */
export function proxyRoutes(proxy: Config['proxy'], readCa: (path: string) => string): ProxyRoutes | undefined {
  if (!proxy) return undefined
  const { url, ca, except, credentialsFile } = proxy
  return fixedRoutes({
    address: parseProxyUrl(url, 'proxy.url'),
    ca: ca === null ? null : readCa(ca),
    except: createExceptions(except, 'proxy.except'),
    credentials: credentialsFile === null ? undefined : () => readProxyCredentials(credentialsFile),
  })
}
