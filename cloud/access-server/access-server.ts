import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { describePair, readTlsPair, watchTlsFiles } from '@gantry/shared/node/tls-files.ts'
import type { Config } from './config.ts'
import { type ConversationTools, converse, sayVerdict } from './conversation.ts'
import { createJoinedTickets } from './joined-tickets.ts'
import { loadKey } from './keys.ts'
import { createLegAudit, type Refused } from './leg-audit.ts'
import { openListedKeys } from './listed-keys.ts'
import { listen, type Place } from './listener.ts'
import { createPairing } from './pairing.ts'
import { type Registration, startRegistration } from './registration.ts'
import { carry, createSeat, type LegSeat } from './seat.ts'

/**
 * The access server: carries ciphertext between two outbound connections, and is trusted for availability only. This is its composition root.
 * A connection's way: accepted (`listener.ts`) → opened and admitted (`conversation.ts`, `admit.ts`) → seated (`pairing.ts`) → carried (`seat.ts`, `pump.ts`).
 */
export type AccessServer = {
  /** `https://host:port` */
  readonly origin: string
  readonly port: number
  /** Drains: no new legs, joined ones may go on for `drainMs`; then everything is closed. May be called again. */
  close(): Promise<void>
}
export type ServerTools = {
  /** Milliseconds. */
  now?: () => number
  log?: (level: 'info' | 'warn' | 'error', facts: Record<string, unknown>, message: string) => void
}

export async function startAccessServer(config: Config, { now = Date.now, log = () => {} }: ServerTools = {}): Promise<AccessServer> {
  const { name, site, region, host, limits, stateDir } = config
  const pair = readTlsPair(config.tls)
  const keys = await openListedKeys(config)
  const auditLog = openAuditLog({ folder: stateDir, key: loadKey(join(stateDir, 'head-key.pem')), party: name, keepsPrivate: false, now })
  const onNotAudited = (error: unknown) => log('error', { err: String(error) }, 'not audited')
  const audit = createLegAudit(auditLog, name, onNotAudited)
  const seconds = () => Math.floor(now() / 1000)
  const joined = createJoinedTickets()
  /** Conversations and joined legs that are still to be finished and written down. */
  const running = new Set<Promise<void>>()
  const run = (work: Promise<void>) => {
    running.add(work)
    void work.finally(() => running.delete(work))
  }
  const pairing = createPairing<LegSeat>({ ...limits, onMet: (met) => run(carry(met, { audit, joined, now, onNotAudited })) })
  let draining = false

  /** Refusing and stopping go on without an audit; only admitting may not. */
  const tryAudit = (write: () => void) => {
    try {
      write()
    } catch (error) {
      onNotAudited(error)
    }
  }
  const onRefused = (refused: Refused) => tryAudit(() => audit.refused(refused))

  const health = () => {
    const { waiting, pairs } = pairing.counts()
    return { status: draining ? 'draining' : 'ok', name, site, region, waiting, pairs }
  }
  let registration: Registration | undefined

  const tools: ConversationTools = {
    context: () => ({ name, ticketKeys: keys.ticketKeys, now: seconds(), joinedAt: joined.joinedAt }),
    isDraining: () => draining,
    health: () => ({ healthy: !draining, body: health() }),
    bulletin: () => registration?.bulletin() ?? null,
    onRefused,
  }

  const onConnection = async (socket: TLSSocket, place: Place) => {
    let isAdmitted = false
    // A stranger's broken connections are no news, and must not fill the disk.
    socket.on('error', (error) => {
      if (isAdmitted) log('info', { err: error.message }, 'a leg broke')
    })
    const admitted = await converse(socket, place, tools)
    // One that is refused keeps its place until it is closed.
    if (!admitted || socket.destroyed) return
    place.leave()
    isAdmitted = true
    try {
      audit.leg('leg.admitted', admitted, { side: admitted.opening.side, epoch: admitted.opening.epoch, address: place.address })
      const giveBack = pairing.take(createSeat(socket, admitted))
      socket.once('close', giveBack)
      socket.setKeepAlive(true, 30_000)
    } catch (error) {
      onRefused({ error, address: place.address, opened: admitted })
      sayVerdict(socket, error instanceof AppError ? error.code : 'internal')
    }
  }

  audit.server('server.started', { site, region })
  const listener = await listen({
    ...{ host, port: config.port, pair, limits },
    onConnection: (socket, place) => run(onConnection(socket, place)),
    onRefused: (error, address) => onRefused({ error, address, opened: undefined }),
  }).catch((error: unknown) => {
    auditLog.close()
    throw error
  })

  const endWatch = watchTlsFiles({
    files: config.tls,
    now,
    take(next) {
      listener.renew(next)
      tryAudit(() => audit.server('server.certificate-taken', describePair(next)))
      log('info', describePair(next), 'new server certificate in use')
    },
    onRefused({ code, details }) {
      tryAudit(() => audit.server('server.certificate-refused', { code, why: details?.why ?? '' }))
      log('error', { code, ...details }, 'server certificate not taken: the one before stays in use')
    },
  })

  const load = () => {
    const { seats, pairs } = pairing.counts()
    return { legs: seats, maxLegs: limits.maxLegs, pairs }
  }
  registration = config.register
    ? startRegistration({ config, keys, register: config.register, port: listener.port, isDraining: () => draining, load, now, log })
    : undefined

  let closing: Promise<void> | undefined
  const stop = async () => {
    draining = true
    endWatch()
    // First of all, so that no new ticket names this server.
    const told = registration?.tellNow()
    tryAudit(() => audit.server('server.draining', { pairs: pairing.counts().pairs, seconds: Math.round(limits.drainMs / 1_000) }))
    await within(pairing.drain(limits.drainMs), limits.drainMs)
    pairing.closeAll('leg.draining')
    await told
    registration?.close()
    await listener.close()
    await Promise.all(running)
    audit.close()
    tryAudit(() => audit.server('server.stopped', {}))
    auditLog.close()
  }

  return {
    origin: `https://${host.includes(':') ? `[${host}]` : host}:${listener.port}`,
    port: listener.port,
    close() {
      closing ??= stop()
      return closing
    },
  }
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
