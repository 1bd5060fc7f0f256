import { AppError } from '@gantry/shared/errors.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Authenticate, Caller } from '../caller.ts'
import type { UpdateHub } from './hub.ts'

export type UpdateTools = {
  hub: UpdateHub
  authenticate: Authenticate
  /** Whether the sign-in behind a stream is still good; asked at each heartbeat. */
  isSignedIn: (caller: Caller) => Promise<boolean>
}

const heartbeatMs = 15_000
const maxStreamsPerSignIn = 8
/** A reader that does not read is cut: what it missed it asks for when it comes back. */
const maxUnsentBytes = 1_048_576

/** Server-sent events (WHATWG HTML section 9.2). */
export function addUpdateRoute(app: FastifyInstance, { hub, authenticate, isSignedIn }: UpdateTools): void {
  const streams = new Map<string, number>()
  app.get('/api/v1/updates', async (request, reply) => {
    const caller = await authenticate(request, reply)
    const open = streams.get(caller.grantId) ?? 0
    if (open >= maxStreamsPerSignIn) throw new AppError('auth.throttled', { details: { seconds: 60 } })
    streams.set(caller.grantId, open + 1)
    openStream(reply)
    const end = () => reply.raw.end()
    const unsubscribe = hub.subscribe({ caller, send: (name, payload) => write(reply, `event: ${name}\ndata: ${JSON.stringify(payload)}\n\n`), end })
    const beat = setInterval(() => {
      write(reply, ':\n\n')
      isSignedIn(caller).then((good) => good || hub.endSignIn(caller.grantId, 'signed-out'), end)
    }, heartbeatMs)
    reply.raw.once('close', () => {
      clearInterval(beat)
      unsubscribe()
      const left = (streams.get(caller.grantId) ?? 1) - 1
      if (left > 0) streams.set(caller.grantId, left)
      else streams.delete(caller.grantId)
    })
    return reply
  })
}

function openStream(reply: FastifyReply): void {
  reply.hijack()
  const headers = reply.getHeaders() as Record<string, string>
  reply.raw.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
  reply.raw.write(':\n\n')
}

function write(reply: FastifyReply, text: string): void {
  if (reply.raw.writableLength > maxUnsentBytes) reply.raw.destroy()
  else if (!reply.raw.writableEnded) reply.raw.write(text)
}
