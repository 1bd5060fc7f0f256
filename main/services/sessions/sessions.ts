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
    fromServer: (requestId, event) => sessions.get(requestId)?.fromServer(event),
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.end().catch(() => undefined)))
    },
  }
}

function forgetOldest(sessions: Map<RequestId, OwnSession>): void {
  const ended = [...sessions.values()].filter((session) => session.view().state === 'ended')
  for (const session of ended.slice(0, Math.max(0, ended.length - keptEnded))) sessions.delete(session.requestId)
}
