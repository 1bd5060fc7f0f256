import { type AgentApi, agentApi } from '@gantry/shared/agent-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { type ApiClient, createApiClient } from '@gantry/shared/node/api-client.ts'
import type { Config } from './config.ts'

export const agentPrefix = '/agent/v1/'
type Call = ApiClient<AgentApi>['call']

/** How this device reaches its main server: over mutual TLS, under one CA, at the first of its names that answers (R024). */
export type MainServer = {
  call: Call
  /** Closes what is kept open between calls, unless a call is under way. */
  idle(): void
  close(): void
}

export type MainServerWith = {
  servers: Config['mainServers']
  ca: string
  certificate: string
  keyPem: string
  /** True while a connection may stay open between calls; else each call closes its own, and the next one resumes the TLS session. */
  keepOpen: () => boolean
  /** Somebody else answered under the server's name (R042). */
  onWrongIdentity: (error: AppError) => void
}

export function openMainServer({ servers, ca, certificate, keyPem, keepOpen, onWrongIdentity }: MainServerWith): MainServer {
  const open = (keepAlive: boolean) =>
    servers.map(({ agentOrigin }) => createApiClient(agentApi, { origin: agentOrigin, prefix: agentPrefix, ca, cert: certificate, key: keyPem, keepAlive }))
  const plain = open(false)
  const kept = open(true)
  let current = 0
  let underWay = 0
  return {
    async call(name, input, options) {
      const at = current
      const client = (keepOpen() ? kept : plain)[at]
      if (!client) throw new AppError('internal')
      underWay += 1
      try {
        return await client.call(name, input, options)
      } catch (error) {
        if (error instanceof AppError && error.code === 'server.identity-wrong') onWrongIdentity(error)
        if (isElsewhere(error) && current === at) current = (at + 1) % servers.length
        throw error
      } finally {
        underWay -= 1
      }
    },
    idle() {
      if (underWay === 0) for (const client of kept) client.close()
    },
    close() {
      for (const client of [...plain, ...kept]) client.close()
    },
  }
}

/** Another name may still work: this one does not answer, or somebody else does. */
function isElsewhere(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'server.unreachable' || error.code === 'server.identity-wrong')
}
