import type { AuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { ApprovedRequest } from '../requests/request-run.ts'
import type { Sessions } from '../services.ts'
import { type OpenSessionTools, openSession } from './open-session.ts'
import type { OwnSession } from './session.ts'

export type SessionService = Sessions & {
  open(approved: ApprovedRequest, signal: AbortSignal): Promise<OwnSession>
  /** An event of one of the specialist's sessions as the main server stored it. */
  fromServer(requestId: RequestId, event: AuditEvent): void
  close(): Promise<void>
}

const keptEnded = 50

/** Every session of this process, open or ended; any may vanish at any time. */
export function createSessions(tools: Omit<OpenSessionTools, 'nextTerminalId'>): SessionService {
  const sessions = new Map<RequestId, OwnSession>()
  const early = createEarlyEvents()
  let terminals = 0

  const get = (requestId: RequestId): OwnSession => {
    const session = sessions.get(requestId)
    if (!session) throw new AppError('session.unknown')
    return session
  }
  return {
    get,
    list: () => [...sessions.values()].map((session) => session.view()),
    async open(approved, signal) {
      const session = await openSession(approved, { ...tools, nextTerminalId: () => `term-${++terminals}` }, signal)
      sessions.set(session.requestId, session)
      for (const event of early.take(session.requestId)) session.fromServer(event)
      forgetOldest(sessions)
      return session
    },
    terminal(terminalId) {
      for (const session of sessions.values()) {
        const terminal = session.terminal(terminalId)
        if (terminal) return terminal
      }
      throw new AppError('session.ended')
    },
    fromServer(requestId, event) {
      const session = sessions.get(requestId)
      if (session) session.fromServer(event)
      else early.keep(requestId, event)
    },
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.end().catch(() => undefined)))
    },
  }
}

const maxEarly = { requests: 50, events: 50 } as const

/** What is told of a request before its session is open: asked, picked up, approved. It belongs to the session's audit all the same. */
function createEarlyEvents() {
  const kept = new Map<RequestId, AuditEvent[]>()
  return {
    keep(requestId: RequestId, event: AuditEvent) {
      const events = kept.get(requestId) ?? []
      kept.set(requestId, [...events, event].slice(-maxEarly.events))
      const oldest = kept.size > maxEarly.requests ? kept.keys().next() : null
      if (oldest && !oldest.done) kept.delete(oldest.value)
    },
    take(requestId: RequestId): AuditEvent[] {
      const events = kept.get(requestId) ?? []
      kept.delete(requestId)
      return events
    },
  }
}

function forgetOldest(sessions: Map<RequestId, OwnSession>): void {
  const ended = [...sessions.values()].filter((session) => session.view().state === 'ended')
  for (const session of ended.slice(0, Math.max(0, ended.length - keptEnded))) sessions.delete(session.requestId)
}
