import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Grant, SessionTools } from '../../agent/session/grant.ts'
import { openSession } from '../../agent/session/open-session.ts'
import { createServices } from '../../main/services/create-services.ts'
import type { Asked, AskInput, AskOptions, Services, ServicesOptions, Session } from '../../main/services/services.ts'
import type { EndCause } from '../../shared/access-request.ts'
import type { RequestId } from '../../shared/ids.ts'
import { type AuditLog, openAuditLog } from '../../shared/node/audit-log.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { createSessionLegs } from '../../shared/node/session-legs.ts'
import { generateSigningKey, newNonce } from '../../shared/node/signing.ts'
import { type LegWorld, startLegWorld } from './access-server.ts'
import { isRoot, nobody } from './agent-session.ts'
import { type ClientWorld, type ClientWorldWith, startClientWorld } from './client-world.ts'

/**
 * A client's services, a real access server and the agent's real session, joined over TLS on loopback. Only the main server's policy and the agent's own
 * judgement are the test's: `approve` is the device saying yes.
 */
export type SessionWorld = {
  main: ClientWorld
  /** The access server of the ticket, and its fallback. */
  legs: LegWorld
  fallback: LegWorld
  services: Services
  filesRoot: string
  deviceLog: AuditLog
  ask(change?: Partial<AskInput>, options?: AskOptions): Promise<Asked>
  /** The device's signed answers as far as the question to the person there. */
  ring(requestId: RequestId): Promise<void>
  /** The person's yes, then the device's half of the session. */
  allow(requestId: RequestId): Promise<void>
  /** The device's signed answers, then its half of the session. */
  approve(requestId: RequestId, by?: 'policy' | 'person', change?: Partial<SessionTools>): Promise<void>
  /** Both. */
  open(change?: Partial<AskInput>): Promise<Session>
  /** Ends the agent's half. */
  end(cause: EndCause): void
  /** Why the agent's half ended. */
  done(): Promise<EndCause>
  /** Both access servers are gone; the function that comes back starts them anew. */
  loseServers(): Promise<() => Promise<void>>
  close(): Promise<void>
}

/** `extra`: what else the main server answers. */
export async function startSessionWorld({ extra, updates }: Pick<ClientWorldWith, 'extra'> & Pick<ServicesOptions, 'updates'> = {}): Promise<SessionWorld> {
  const legs = await startLegWorld()
  const fallback = await startLegWorld({}, { name: 'south-1', keys: legs.keys })
  const main = await startClientWorld({
    accessServer: legs.ref,
    fallback: fallback.ref,
    ca: legs.ca,
    ticketKey: legs.ticketKey,
    deviceKey: legs.deviceKey,
    ...(extra ? { extra } : {}),
  })
  const folder = mkdtempSync(join(tmpdir(), 'device-'))
  chmodSync(folder, 0o711)
  const filesRoot = join(folder, 'files')
  mkdirSync(filesRoot, { mode: 0o700 })
  if (isRoot) chownSync(filesRoot, nobody.uid, nobody.gid)
  const deviceLog = openAuditLog({ folder: join(folder, 'log'), key: generateSigningKey(), party: main.device.id, keepsPrivate: true })
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const openBrowser = () => Promise.reject(new Error('no browser in this test'))
  const services = await createServices({
    ...{ profileDir: main.profileDir, mainServer: main.origin, ca: main.ca, secretStore: main.store, about, openBrowser },
    party: 'desktop',
    ...(updates ? { updates } : {}),
  })
  const stops: AbortController[] = []
  const runs: Promise<EndCause>[] = []

  const startAgent = (requestId: RequestId, approvedBy: Grant['approvedBy'], change: Partial<SessionTools>) => {
    const created = main.created.find(({ payload }) => payload.id === requestId)
    if (!created) throw new Error('no such request')
    const { ticket, ticketText } = created
    const grant = {
      ...{ request: created.payload, ticket, ticketText: ticketText as Grant['ticketText'], certificate: main.people.person, approvedBy },
      policy: {
        idleMinutes: 15,
        sessionMinutes: 480,
        maxBytes: null,
        files: { toDevice: true, fromDevice: true, maxFileBytes: 1024 ** 4, paths: null, restricted: [] },
        actions: '*' as const,
      },
    }
    const stop = new AbortController()
    stops.push(stop)
    const config = {
      ...{
        filesRoot,
        user: isRoot ? nobody : null,
        network: 'open' as const,
        sockets: [],
        shell: '/bin/bash',
        language: 'en' as const,
        versions: { agent: '0.1.0' },
      },
      service: {
        restart: [],
        status: [],
        menu: ['/bin/sh', '-c', 'echo "service menu"; read answer; echo "chosen: $answer"'],
        log: join(folder, 'service.log'),
      },
    }
    const tools: SessionTools = {
      openLeg: createSessionLegs({ dial: createDialler({ ca: main.ca }), ticket, ticketText: grant.ticketText, side: 'agent', key: main.device.key }).open,
      ...{
        hostKey: main.device.hostKeySigner.privateKey,
        audit: deviceLog.append,
        auditLog: deviceLog,
        tellPanel: () => undefined,
        onPress: () => () => undefined,
        config,
      },
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
      ...change,
    }
    const run = openSession({ grant, tools, signal: stop.signal })
    run.catch(() => undefined)
    runs.push(run)
  }

  const world: SessionWorld = {
    ...{ main, legs, fallback, services, filesRoot, deviceLog },
    ask: (change = {}, options = {}) =>
      services.requests.ask(
        {
          ...{ deviceId: main.device.id, access: 'os', serviceKind: 'support', reason: 'The console reacts slowly', caseId: '48213', minutes: 30, ...change },
        },
        options,
      ),
    async ring(requestId) {
      await main.answer(requestId, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: main.device.hostKey })
      await main.answer(requestId, { kind: 'asking', answerBefore: Math.floor(Date.now() / 1000) + 120 })
    },
    async allow(requestId) {
      await main.answer(requestId, { kind: 'approved', by: 'person', hostKey: main.device.hostKey })
      startAgent(requestId, 'person', {})
    },
    async approve(requestId, by = 'policy', change = {}) {
      const { hostKey } = main.device
      if (by === 'person') await world.ring(requestId)
      else await main.answer(requestId, { kind: 'picked-up', rule: 'allow', draw: newNonce(), hostKey })
      await main.answer(requestId, { kind: 'approved', by, hostKey })
      startAgent(requestId, by, change)
    },
    async open(change) {
      const asked = await world.ask(change)
      await world.approve(asked.requestId)
      return asked.session
    },
    end: (cause) => stops.at(-1)?.abort(cause),
    done: () => runs.at(-1) ?? Promise.reject(new Error('no session')),
    async loseServers() {
      await Promise.all([legs.server.close(), fallback.server.close()])
      return async () => {
        await Promise.all([legs.restart(), fallback.restart()])
      }
    },
    async close() {
      await services.close()
      for (const stop of stops) stop.abort('agent-stopped')
      await Promise.allSettled(runs)
      deviceLog.close()
      await main.close()
      await legs.close()
      await fallback.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return world
}
