import type { EndCause } from '@gantry/shared/access-request.ts'
import type { AuditLink } from '@gantry/shared/audit.ts'
import { type Handlers, serve } from '@gantry/shared/contract.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { serveLines, writeLine } from '@gantry/shared/node/lines.ts'
import { maxSessionLineBytes, type SessionCalls, type SessionEventName, sessionCalls, type sessionEvents } from '@gantry/shared/session-api.ts'
import type { ServerChannel } from 'ssh2'
import type { z } from 'zod'
import type { SessionAuditLog, SessionLog } from './grant.ts'

/**
 * The subsystem `gantry-session`: calls from the client, and what the device audits, as it is written. The chain of hashes has no gap, so other
 * sessions' lines are told by hash alone.
 */
export type SessionChannels = {
  serve(channel: ServerChannel): Promise<void>
  /** Tells every open channel that the session ends, and why. */
  tellEnding(cause: EndCause): void
  /** Tells every open channel. */
  tell<N extends SessionEventName>(event: N, payload: z.input<(typeof sessionEvents)[N]>): void
}
export type SessionChannelOptions = {
  requestId: RequestId
  auditLog: Pick<SessionAuditLog, 'onLine'>
  handlers: Handlers<SessionCalls, undefined>
  log: SessionLog
  signal: AbortSignal
}

/** A client that does not read is cut off from the activity before it costs the device memory. */
const maxBehindBytes = 4 * 1024 ** 2

export function createSessionChannels({ requestId, auditLog, handlers, log, signal }: SessionChannelOptions): SessionChannels {
  const open = new Set<ServerChannel>()
  const answer = serve(sessionCalls, handlers, (error, name) => log.error({ err: error, name }, 'a session call failed'))
  const tellOne = (channel: ServerChannel, event: SessionEventName, payload: unknown) => {
    if (!channel.writable) return
    if (channel.writableLength > maxBehindBytes) channel.close()
    else void writeLine(channel, { event, payload }).catch(() => undefined)
  }
  const tell: SessionChannels['tell'] = (event, payload) => {
    for (const channel of open) tellOne(channel, event, payload)
  }
  return {
    async serve(channel) {
      open.add(channel)
      const stop = auditLog.onLine((link) => tellOne(channel, 'activity', forSession(link, requestId)))
      channel.once('close', stop)
      try {
        await serveLines(channel, answer, undefined, { maxBytes: maxSessionLineBytes, maxRunning: 4, signal })
        channel.exit(0)
      } catch {
        // Not a call, or the end of the session.
        channel.exit(1)
      } finally {
        stop()
        open.delete(channel)
        channel.end()
      }
    },
    tellEnding: (cause) => tell('ending', { cause }),
    tell,
  }
}

function forSession(link: AuditLink, requestId: RequestId): AuditLink {
  return link.event?.requestId === requestId ? link : { ...link, event: null }
}
