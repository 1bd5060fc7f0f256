import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AccessApi, accessApi, accessPrefix, type BeatPayload, beatTiming, bulletinFreshSeconds, type Load } from '@gantry/shared/access-api.ts'
import { toFailure } from '@gantry/shared/errors.ts'
import { type ApiClient, createApiClient } from '@gantry/shared/node/api-client.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { refuseRevoked } from '@gantry/shared/node/revoked-certificates.ts'
import { signJws } from '@gantry/shared/node/signing.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { Config } from './config.ts'
import { loadKey } from './keys.ts'
import type { ListedKeys } from './listed-keys.ts'

/**
 * Tells the main server every two seconds that this server is there and how much it carries, and brings back the bulletin. A main server that does not answer changes nothing here: legs are
 * opened and carried without it (D2).
 */
export type Registration = {
  /** Beats at once, since something changed. Resolves when that was heard, or after a second. */
  tellNow(): Promise<void>
  /** The newest one, while a device would still take it. */
  bulletin(): string | null
  close(): void
}

export type RegistrationWith = {
  config: Config
  keys: Pick<ListedKeys, 'mainServer' | 'revoked' | 'accept' | 'follow'>
  register: NonNullable<Config['register']>
  /** Where it listens. */
  port: number
  isDraining: () => boolean
  load: () => Pick<Load, 'legs' | 'maxLegs' | 'pairs'>
  /** Milliseconds. */
  now: () => number
  log: (level: 'info' | 'warn', facts: Record<string, unknown>, message: string) => void
}

const lastWordMs = 1_000

/** Within so much of its last word a beat keeps the order, whatever the clock says. */
const orderMs = 1_000

export function startRegistration({ config, keys, register, port, isDraining, load, now, log }: RegistrationWith): Registration {
  const { name, site, region, host, publicHost = host, publicPort = port } = config
  const key = loadKey(register.key)
  const { dial, lookAgain } = refuseRevoked(createDialler({ ca: readFileSync(register.ca, 'utf8') }), keys)
  const clients = register.mainServers.map((origin) => createApiClient(accessApi, { origin, prefix: accessPrefix, dial, keepAlive: true }))
  const measure = createMeasure()
  const stopping = new AbortController()
  let newest: { atMs: number; bulletin: string } | null = null
  let lastAtMs = 0
  let current = 0
  let said = ''
  log('info', { name, key: key.publicJwk }, 'the main server’s list needs this name and key')

  /** One that is bad changes nothing, and the beat counts all the same. */
  const takeKeys = async (list: CompactJws) => {
    try {
      if (!(await keys.accept(list))) return
      log('info', { mainServer: keys.mainServer() }, 'new list of the servers’ keys')
      lookAgain()
    } catch (error) {
      log('warn', { ...toFailure(error) }, 'list of the servers’ keys not taken')
    }
  }
  const beat = async (client: ApiClient<AccessApi>): Promise<void> => {
    // Never twice the same. A clock that is set back is told as it is: one that once stood in another year would be refused for ever.
    const atMs = now()
    lastAtMs = atMs <= lastAtMs && atMs > lastAtMs - orderMs ? lastAtMs + 1 : atMs
    const server = { name, site, host: publicHost, port: publicPort }
    const payload: BeatPayload = {
      version: 1,
      to: keys.mainServer(),
      server,
      region,
      atMs: lastAtMs,
      draining: isDraining(),
      load: { ...load(), ...measure() },
    }
    const { bulletin, serverKeys, authorityKeys } = await client.call(
      'access-server.beat',
      { beat: await signJws('beat', payload, key) },
      { signal: stopping.signal, timeoutMs: 2 * beatTiming.intervalMs },
    )
    newest = { atMs: now(), bulletin }
    if (authorityKeys && (await keys.follow(authorityKeys))) log('info', {}, 'the authority has another key')
    if (serverKeys) await takeKeys(serverKeys)
  }
  const say = (code: string, act: () => void) => {
    if (code === said) return
    said = code
    act()
  }
  const tell = async () => {
    try {
      await beat(clients[current] as ApiClient<AccessApi>)
      say('registered', () => log('info', { mainServer: register.mainServers[current] }, 'registered'))
    } catch (error) {
      const failure = toFailure(error)
      if (!stopping.signal.aborted) say(JSON.stringify(failure), () => log('warn', { ...failure, mainServer: register.mainServers[current] }, 'not registered'))
      current = (current + 1) % clients.length
    }
  }
  /** One after the other: a beat that overtook another would make it an old one. */
  let underWay = Promise.resolve()
  const tellInTurn = () => {
    underWay = underWay.then(tell)
    return underWay
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      await tellInTurn()
      await sleep(beatTiming.intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
  void run()

  return {
    tellNow: () => Promise.race([tellInTurn(), sleep(lastWordMs, undefined, { ref: false })]),
    bulletin: () => (newest && now() - newest.atMs < bulletinFreshSeconds * 1_000 ? newest.bulletin : null),
    close() {
      stopping.abort()
      for (const client of clients) client.close()
    },
  }
}

/** Processor time, and how much of the time the event loop had work, since the last look. */
function createMeasure(): () => Pick<Load, 'cpu' | 'loop'> {
  let [usage, loop, atMs] = [process.cpuUsage(), performance.eventLoopUtilization(), performance.now()]
  return () => {
    const [used, nowMs] = [process.cpuUsage(usage), performance.now()]
    const cpu = (used.user + used.system) / 1_000 / Math.max(1, nowMs - atMs)
    const { utilization } = performance.eventLoopUtilization(loop)
    ;[usage, loop, atMs] = [process.cpuUsage(), performance.eventLoopUtilization(), nowMs]
    return { cpu: Math.round(cpu * 1_000) / 1_000, loop: Math.min(1, Math.max(0, Math.round(utilization * 1_000) / 1_000)) }
  }
}
