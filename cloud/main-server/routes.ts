import type { TLSSocket } from 'node:tls'
import { type AccessApi, accessApi, accessPrefix } from '@gantry/shared/access-api.ts'
import { type AgentApi, agentApi } from '@gantry/shared/agent-api.ts'
import { type ClientApi, clientApi, type WellKnown } from '@gantry/shared/client-api.ts'
import { type Handlers, serve } from '@gantry/shared/contract.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Authenticate, Caller, DeviceCaller } from './caller.ts'
import packageJson from './package.json' with { type: 'json' }
import { callerGone, sendResult } from './web.ts'

type OnDefect = (error: unknown, name: string) => void
const { 'device.enrol': enrol, ...polled } = agentApi
const enrolment = { 'device.enrol': enrol }

export function addWellKnown(app: FastifyInstance, facts: () => Omit<WellKnown, 'version'>): void {
  const wellKnown = (): WellKnown => ({ ...facts(), version: packageJson.version })
  app.get('/.well-known/gantry', (_request, reply) => reply.send(wellKnown()))
  app.get('/healthz', (_request, reply) => reply.send({ ok: true }))
}

export type ClientRoutes = { authenticate: Authenticate; handlers: Handlers<ClientApi, Caller>; onDefect: OnDefect }

export function addClientRoutes(app: FastifyInstance, { authenticate, handlers, onDefect }: ClientRoutes): void {
  const answer = serve(clientApi, handlers, onDefect)
  app.post('/api/v1/:name', async (request, reply) => {
    const caller = await authenticate(request, reply)
    return sendResult(reply, await answer(nameOf(request), request.body, caller))
  })
}

/** The one call of an agent that has no certificate yet. */
export function addEnrolmentRoute(app: FastifyInstance, handlers: Handlers<typeof enrolment, { address: string }>, onDefect: OnDefect): void {
  const answer = serve(enrolment, handlers, onDefect)
  app.post('/agent/v1/:name', async (request, reply) => sendResult(reply, await answer(nameOf(request), request.body, { address: request.ip })))
}

/** Access servers say who they are in what they sign, so there is no caller. */
export function addAccessRoutes(app: FastifyInstance, handlers: Handlers<AccessApi, { address: string }>, onDefect: OnDefect): void {
  const answer = serve(accessApi, handlers, onDefect)
  app.post(`${accessPrefix}:name`, async (request, reply) => sendResult(reply, await answer(nameOf(request), request.body, { address: request.ip })))
}

export type AgentRoutes = {
  authenticate: (socket: TLSSocket) => Promise<Omit<DeviceCaller, 'signal'>>
  handlers: Handlers<Omit<AgentApi, 'device.enrol'>, DeviceCaller>
  onDefect: OnDefect
  stopping: AbortSignal
}

export function addAgentRoutes(app: FastifyInstance, { authenticate, handlers, onDefect, stopping }: AgentRoutes): void {
  const answer = serve(polled, handlers, onDefect)
  app.post('/agent/v1/:name', async (request, reply) => {
    const device = await authenticate(request.raw.socket as TLSSocket)
    return sendResult(reply, await answer(nameOf(request), request.body, { ...device, signal: callerGone(reply, stopping) }))
  })
}

function nameOf(request: FastifyRequest): string {
  return (request.params as { name: string }).name
}
