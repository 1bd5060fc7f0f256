import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { ApiClient } from '@gantry/shared/node/api-client.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import { CompactJws } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { Log } from './log.ts'
import type { StateFile } from './state-file.ts'

/**
 * What the device has to say and the main server has not yet taken: signed answers, in order, and the public parts of new audit events. Both survive a restart and are
 * repeated until they are taken; the main server drops what it has already (by ticket and kind, by event id).
 */
export const OutboxState = z.strictObject({
  version: z.literal(1),
  answers: z.array(CompactJws),
  /** Which audit log `reportedSeq` counts in. */
  logId: z.string().nullable(),
  reportedSeq: z.number().int().min(0),
})
export type OutboxState = z.infer<typeof OutboxState>
export const emptyOutbox = (): OutboxState => ({ version: 1, answers: [], logId: null, reportedSeq: 0 })

/** Answers that may wait. The oldest are dropped first: their requests have long run out. */
const maxAnswers = 200
const maxEventsPerReport = 500
/** Room for the JSON of one report, below what any server has to take in one body. bytes */
const maxReportBytes = 400_000

export type Outbox = {
  /** Stored when it returns. */
  addAnswer(answer: CompactJws): void
  hasAnswers(): boolean
  hasEvents(): boolean
  /** Sends what waits, answers first. Throws what the call throws; what was taken is not sent again. */
  flush(call: Call, signal: AbortSignal): Promise<void>
}
type Call = ApiClient<Pick<AgentApi, 'access-request.answer' | 'audit.report'>>['call']

export type OutboxWith = {
  file: StateFile<OutboxState>
  /** Null while the store cannot be opened. */
  auditLog: () => AuditLog | null
  /** Checks and witnesses the main server's head; throws for one that does not hold. */
  witness: (head: string) => Promise<void>
  log: Log
}

export function createOutbox({ file, auditLog, witness, log }: OutboxWith): Outbox {
  /** Where the next report starts, in this log. Another log (the old one was moved away) is told from its beginning. */
  const reported = () => (file.value.logId === auditLog()?.logId ? file.value.reportedSeq : 0)

  const flushAnswers = async (call: Call, signal: AbortSignal) => {
    for (let answer = file.value.answers[0]; answer; answer = file.value.answers[0]) {
      try {
        await call('access-request.answer', { answer }, { signal })
      } catch (error) {
        if (!isFinalFailure(error)) throw error
        log.warn({ code: error.code }, 'answer not taken')
      }
      file.save({ ...file.value, answers: file.value.answers.filter((one) => one !== answer) })
    }
  }

  const flushEvents = async (call: Call, signal: AbortSignal) => {
    for (let batch = nextBatch(); batch; batch = nextBatch()) {
      const { head } = await call('audit.report', { events: batch.events, head: batch.head }, { signal })
      file.save({ ...file.value, logId: batch.logId, reportedSeq: batch.lastSeq })
      await witness(head)
    }
  }

  const nextBatch = () => {
    const auditing = auditLog()
    if (!auditing || auditing.lastSeq <= reported()) return null
    const events: AuditEvent[] = []
    let bytes = 0
    let lastSeq = reported()
    for (const line of auditing.read({ fromSeq: lastSeq + 1 })) {
      bytes += JSON.stringify(line.event).length
      if (events.length >= maxEventsPerReport || (bytes > maxReportBytes && events.length > 0)) break
      events.push(line.event)
      lastSeq = line.seq
    }
    // A witnessed head answers a report, so on its own it is no reason for another one: two logs would go on for ever.
    if (events.every((event) => event.kind === 'head.witnessed')) return null
    return { logId: auditing.logId, lastSeq, events, head: auditing.head() }
  }

  return {
    addAnswer(answer) {
      file.save({ ...file.value, answers: [...file.value.answers, answer].slice(-maxAnswers) })
    },
    hasAnswers: () => file.value.answers.length > 0,
    hasEvents: () => nextBatch() !== null,
    async flush(call, signal) {
      await flushAnswers(call, signal)
      await flushEvents(call, signal)
    },
  }
}

/** The main server understood and will never take it; everything else is tried again. */
function isFinalFailure(error: unknown): error is AppError {
  const codes = ['access.unknown', 'access.wrong-state', 'access.cancelled', 'access.expired', 'device.answer-bad', 'contract.bad-input']
  return error instanceof AppError && codes.includes(error.code)
}
