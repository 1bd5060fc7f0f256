import { readFileSync } from 'node:fs'
import { AppError } from '@gantry/shared/errors.ts'
import { createDialler, type Dial } from '@gantry/shared/node/dial.ts'
import type { Config } from './config.ts'
import { proxyRoutes } from './proxy.ts'

/** How this device gets out, as its config says: under one CA, with fixed addresses where it has some, through the site's proxy where it has one. */
export type WayOut = {
  dial: Dial
  /** False for what the proxy's exceptions name, and where there is none. */
  isProxied(place: { host: string; port: number }): Promise<boolean>
}

/** Throws `state.unreadable {path}` without the CA, `proxy.setting-bad`. */
export function createWayOut({ ca, addresses, proxy }: Config): WayOut {
  const routesFor = proxyRoutes(proxy, readPem)
  return {
    dial: createDialler({ ca: readPem(ca), addresses, routesFor }),
    async isProxied({ host, port }) {
      const routes = (await routesFor?.(host, port)) ?? ['direct']
      return routes.some((route) => route !== 'direct')
    },
  }
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { path } })
  }
}
