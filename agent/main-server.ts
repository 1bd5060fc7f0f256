import { type AgentApi, agentApi } from '@gantry/shared/agent-api.ts'
import { AppError, isUnreachable } from '@gantry/shared/errors.ts'
import { type ApiClient, createApiClient } from '@gantry/shared/node/api-client.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { Validity } from '@gantry/shared/node/open-tls.ts'
import { createPublishedFeed, type PublishedFeed } from '@gantry/shared/node/published-feed.ts'
import type { Config } from './config.ts'

export const agentPrefix = '/agent/v1/'
type Call = ApiClient<AgentApi>['call']

/** How this device reaches its main server: over mutual TLS, under one CA, at the first of its names that answers (R024). */
export type MainServer = {
  call: Call
  /** What the release officer published, at the name that answers now. */
  published(): PublishedFeed
  /** Closes what is kept open between calls, unless a call is under way. */
  idle(): void
  close(): void
  /** The validity of the certificate that the newest connection showed, if it is not one of now by this device's clock: the caller has to ask whose time is wrong. */
  outdated(): Validity | null
}

export type MainServerWith = {
  servers: Config['mainServers']
  dial: Dial
  /** May be renewed; a connection that is open already goes on with the one before. */
  certificate: () => string
  keyPem: string
  /** True while a connection may stay open between calls; else each call closes its own, and the next one resumes the TLS session. */
  keepOpen: () => boolean
}

export function openMainServer({ servers, dial, certificate, keyPem, keepOpen }: MainServerWith): MainServer {
  /** By origin and certificate; a client that was closed is dead, so it is made anew when it is needed again. */
  const plain = new Map<string, ApiClient<AgentApi>>()
  const kept = new Map<string, ApiClient<AgentApi>>()
  let current = 0
  let underWay = 0
  let outdated: Validity | null = null
  /** A device whose clock stands in another year shall hear the time all the same. */
  const dialAnytime: Dial = async (target) => {
    let told: Validity | null = null
    const socket = await dial({
      ...target,
      onOutdated(validity) {
        told = validity
      },
    })
    outdated = told
    return socket
  }
  const clientFor = (origin: string): ApiClient<AgentApi> => {
    const [clients, keepAlive] = keepOpen() ? [kept, true] : [plain, false]
    const cert = certificate()
    const name = `${origin} ${cert}`
    const client = clients.get(name) ?? createApiClient(agentApi, { origin, prefix: agentPrefix, dial: dialAnytime, cert, key: keyPem, keepAlive })
    clients.set(name, client)
    return client
  }
  const close = (clients: Map<string, ApiClient<AgentApi>>) => {
    for (const client of clients.values()) client.close()
    clients.clear()
  }
  return {
    async call(name, input, options) {
      const at = current
      const server = servers[at]
      if (!server) throw new AppError('internal')
      underWay += 1
      try {
        return await clientFor(server.agentOrigin).call(name, input, options)
      } catch (error) {
        // Another name may still work: this one does not answer, somebody else does, or the site's proxy does not let this one through.
        if (isUnreachable(error) && current === at) current = (at + 1) % servers.length
        throw error
      } finally {
        underWay -= 1
      }
    },
    published() {
      const asThisDevice: Dial = (target) => dial({ ...target, cert: certificate(), key: keyPem })
      return createPublishedFeed({ origin: servers[current]?.agentOrigin ?? '', dial: asThisDevice })
    },
    idle() {
      if (underWay === 0) close(kept)
    },
    close() {
      close(plain)
      close(kept)
    },
    outdated: () => outdated,
  }
}
