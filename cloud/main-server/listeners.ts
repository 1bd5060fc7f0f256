import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { describePair, readTlsPair, watchTlsFiles } from '@gantry/shared/node/tls-files.ts'
import type { Logger } from 'pino'
import { type Config, originOf } from './config.ts'
import type { Keys } from './keys.ts'
import { type Listener, openListener } from './listener.ts'

export type Listeners = { people: Listener; agents: Listener; peopleOrigin: string; agentOrigin: string }

const graceMs = 3_000

/** Both listeners, under one certificate. Throws `state.unreadable {path, why}`, `port.busy`. */
export async function openListeners(
  { host, publicHost, agentHost = host, publicAgentHost = publicHost, peoplePort, agentPort, tls }: Config,
  { deviceCas }: Keys,
  opened: AsyncDisposableStack,
): Promise<Listeners> {
  const pair = readTlsPair(tls)
  const listeners: Listener[] = []
  opened.defer(async () => void (await Promise.all(listeners.map((listener) => listener.close(graceMs)))))
  const people = await openListener({ host, port: peoplePort, pair })
  listeners.push(people)
  const agents = await openListener({ host: agentHost, port: agentPort, pair, clientCa: deviceCas().join('\n') })
  listeners.push(agents)
  return { people, agents, peopleOrigin: originOf(publicHost, people.port), agentOrigin: originOf(publicAgentHost, agents.port) }
}

export type CertificateWatchWith = Pick<Listeners, 'people' | 'agents'> & {
  tls: Config['tls']
  append: (event: NewAuditEvent) => void
  log: Logger
  now: () => number
}

/** A new server certificate is taken over while everything goes on (R061). Returns what ends that. */
export function followCertificate({ people, agents, tls, append, log, now }: CertificateWatchWith): () => void {
  const actor = { kind: 'main-server' } as const
  return watchTlsFiles({
    files: tls,
    now,
    take(pair) {
      for (const listener of [people, agents]) listener.renew({ pair })
      append({ kind: 'server.certificate-taken', actor, data: describePair(pair) })
      log.info(describePair(pair), 'new server certificate in use')
    },
    onRefused({ code, details }) {
      append({ kind: 'server.certificate-refused', actor, data: { code, why: details?.why ?? '' } })
      log.error({ code, ...details }, 'server certificate not taken: the one before stays in use')
    },
  })
}
