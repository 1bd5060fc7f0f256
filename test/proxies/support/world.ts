import { once } from 'node:events'
import { AppError } from '../../../shared/errors.ts'
import { createDialler, type Dial, type DiallerOptions } from '../../../shared/node/dial.ts'
import { openLeg } from '../../../shared/node/leg.ts'
import type { ProxyRoutes } from '../../../shared/node/proxy-rules.ts'
import { readUntil } from '../../../shared/node/read-until.ts'
import { generateSigningKey, privatePem } from '../../../shared/node/signing.ts'
import { type LegWorld, startLegWorld } from '../../support/access-server.ts'
import { createTestServer, type TestServer } from '../../support/main-server.ts'
import { agentClient, enrolAgent, enrolmentOf, plainPoll, type TestAgent } from '../../support/test-agent.ts'

/** A main server and an access server, both real, and one enrolled device that is to reach them. */
export type ProxyWorld = {
  main: TestServer
  access: LegWorld
  ports: number[]
  dialler(routesFor?: ProxyRoutes, more?: Partial<DiallerOptions>): Dial
  close(): Promise<void>
}

export async function startProxyWorld(): Promise<ProxyWorld> {
  const [main, access] = await Promise.all([createTestServer(), startLegWorld()])
  device = await enrolAgent(main, main.devices.mine)
  const ca = `${main.ca}\n${access.ca}`
  const portOf = (origin: string) => Number(new URL(origin).port)
  return {
    ...{ main, access, ports: [portOf(main.origin), portOf(main.agentOrigin), access.ref.port] },
    dialler: (routesFor, more) => createDialler({ ca, routesFor, ...more }),
    async close() {
      await Promise.all([main.close(), access.close()])
    },
  }
}

let device: TestAgent

/** The same servers by name; DNS knows none of these names. */
export function byName(world: ProxyWorld): ProxyWorld {
  const { main, access } = world
  const named = (origin: string) => origin.replace('127.0.0.1', 'main.example')
  return {
    ...world,
    main: { ...main, origin: named(main.origin), agentOrigin: named(main.agentOrigin) },
    access: { ...access, ref: { ...access.ref, host: 'access.example' } },
  }
}
export const addresses = { 'main.example': ['127.0.0.1'], 'access.example': ['127.0.0.1'] }

/** A poll with the device's certificate. */
export async function poll({ main }: ProxyWorld, dial: Dial): Promise<void> {
  const api = agentClient({ agentOrigin: main.agentOrigin, dial }, { cert: device.certificate, key: privatePem(device.key) })
  await api.call('device.poll', plainPoll(Date.now()))
  api.close()
}

/** An enrolment whose code was used already: a call without a certificate, which the main server itself refuses. */
export async function enrol({ main }: ProxyWorld, dial: Dial): Promise<void> {
  const api = agentClient({ agentOrigin: main.origin, dial }, {})
  const asked = await enrolmentOf(main.devices.mine, generateSigningKey(), generateSigningKey())
  const failure = await api.call('device.enrol', asked).catch((error: unknown) => error)
  api.close()
  // Either is the main server's own word; the second after so many tries from this one address.
  if (!(failure instanceof AppError) || !['enrol.code-bad', 'auth.throttled'].includes(failure.code)) throw failure
}

/** A tunnel: the device's leg through `dial`, the client's straight, and a word each way. */
export async function tunnel({ access }: ProxyWorld, dial: Dial): Promise<void> {
  const { text, payload } = await access.ticket()
  const both = { server: access.ref, ticket: text, ticketId: payload.id, leg: 'control-1', epoch: 1 } as const
  const [agent, client] = await Promise.all([
    openLeg({ ...both, dial, side: 'agent', key: access.deviceKey }),
    openLeg({ ...both, dial: createDialler({ ca: access.ca, addresses }), side: 'client', key: access.sessionKey }),
  ])
  for (const [from, to] of [
    [agent, client],
    [client, agent],
  ] as const) {
    from.write('a word\n')
    if ((await readUntil(to, '\n', { maxBytes: 100 })).toString() !== 'a word') throw new Error('another word came')
  }
  const closed = [agent, client].map((leg) => once(leg.resume().end(), 'close'))
  await Promise.all(closed)
}

/** Everything that an agent does through its connector. */
export async function everything(world: ProxyWorld, dial: Dial): Promise<void> {
  await poll(world, dial)
  await enrol(world, dial)
  await tunnel(world, dial)
}

export async function failureOf(doing: Promise<unknown>): Promise<unknown> {
  const error = await doing.then(
    () => 'none',
    (failure: unknown) => failure,
  )
  return error instanceof AppError ? { code: error.code, ...error.details } : error
}
