import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AuditLink } from '@gantry/shared/audit.ts'
import type { Output } from '@gantry/shared/contract.ts'
import { parse } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { maxSessionLineBytes, type SessionCalls, sessionCalls, sessionEvents, subsystems } from '@gantry/shared/session-api.ts'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import type { Client } from 'ssh2'
import type { z } from 'zod'
import { openChannel } from './ssh-client.ts'

/** The subsystem `gantry-session`: what the client asks of the session itself, and what it is told while it lasts. */
export type SessionChannel = {
  call<N extends keyof SessionCalls & string>(name: N, input: z.input<SessionCalls[N]['input']>, timeoutMs?: number): Promise<Output<SessionCalls, N>>
  closed: Promise<void>
  close(): void
}
export type SessionListener = { onActivity(link: AuditLink): void; onUsed(used: NonNullable<SessionView['used']>): void; onEnding(cause: EndCause): void }

const callTimeoutMs = 15_000

export async function openSessionChannel(client: Client, listener: SessionListener): Promise<SessionChannel> {
  const stream = await openChannel(client, subsystems.session, (one, done) => one.subsys(subsystems.session, done))
  const lines = createLineClient(sessionCalls, stream, { maxBytes: maxSessionLineBytes })
  lines.onEvent((event, payload) => {
    if (event === 'activity') listener.onActivity(parse(sessionEvents.activity, payload, event) as AuditLink)
    if (event === 'used') listener.onUsed(parse(sessionEvents.used, payload, event) as NonNullable<SessionView['used']>)
    if (event === 'ending') listener.onEnding((parse(sessionEvents.ending, payload, event) as { cause: EndCause }).cause)
  })
  return {
    closed: lines.closed,
    close: () => lines.close(),
    async call(name, input, timeoutMs = callTimeoutMs) {
      // A call that is given up ends nothing: where the connection is interrupted, the session waits for it.
      const late = Promise.withResolvers<never>()
      const timer = setTimeout(() => late.reject(new AppError('server.unreachable', { details: { hop: 'session', reason: 'timeout' } })), timeoutMs)
      return Promise.race([lines.call(name, input), late.promise]).finally(() => clearTimeout(timer))
    },
  }
}

/** What the device says of a session when it begins. Throws `server.answer-bad` when its audit key is none. */
export async function describeSession(channel: SessionChannel): Promise<Output<SessionCalls, 'session.describe'> & { auditKey: PublicJwk }> {
  const described = await channel.call('session.describe', {})
  return { ...described, auditKey: parse(PublicJwk, described.auditKey, 'session.describe') }
}
