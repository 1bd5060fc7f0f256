import { AppError, errorCodes, type Result, toFailure } from '@gantry/shared/errors.ts'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import type { Listener } from './listener.ts'

/** Largest body of a client's request, in bytes. A larger one is `contract.too-large`. */
export const maxClientBodyBytes = 65_536
/** An agent's report of 500 events fits. */
export const maxAgentBodyBytes = 2_097_152

export type WebAppOptions = { listener: Listener; hosts: readonly string[]; maxBodyBytes: number; log: Logger }

/**
 * A Fastify application on one listener. Whatever happens is answered as a Result with a code; what is not ours to explain is `internal` and a log entry.
 * Requests are not logged: their URLs hold one-time ids.
 */
export function createWebApp({ listener, hosts, maxBodyBytes, log }: WebAppOptions): FastifyInstance {
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: false,
    serverFactory: (handler) => {
      listener.serve(handler)
      return listener.server
    },
  })
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(everywhere)
    // DNS rebinding: a page under another name must not be able to reach us through the browser.
    if (!hosts.includes(request.headers.host ?? '')) throw new AppError('contract.bad-input', { details: { field: 'host' } })
  })
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => sendError(error, request, reply, log))
  app.setNotFoundHandler((_request, reply) => sendResult(reply, { ok: false, failure: { code: 'contract.unknown-name' } }))
  return app
}

/** For every answer; pages loosen the content policy for themselves. */
const everywhere = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=63072000',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function sendResult(reply: FastifyReply, result: Result<unknown>): FastifyReply {
  return reply.code(result.ok ? 200 : errorCodes[result.failure.code].status).send(result)
}

function sendError(error: FastifyError | AppError, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  const known = asAppError(error)
  if (!known) log.error({ err: error, route: request.routeOptions.url }, 'defect')
  // Fastify closes the connection on a body that is too large; then the caller would see a reset instead of the answer. Node discards the rest of the body.
  if (known?.code === 'contract.too-large') void reply.removeHeader('connection')
  return sendResult(reply, { ok: false, failure: toFailure(known ?? error) })
}

function asAppError(error: FastifyError | AppError): AppError | null {
  if (error instanceof AppError) return error
  if (error.statusCode === 413) return new AppError('contract.too-large', { cause: error })
  if (error.statusCode !== undefined && error.statusCode < 500) return new AppError('contract.bad-input', { cause: error, details: { field: 'body' } })
  return null
}

/** Aborts when the caller goes away before its answer, or when `stopping` does. */
export function callerGone(reply: FastifyReply, stopping: AbortSignal): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  return AbortSignal.any([gone.signal, stopping])
}
