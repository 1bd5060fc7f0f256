import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { AuditEvent, AuditKind } from '@gantry/shared/audit.ts'
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

/** Heads are exchanged at each session's start and end (architecture 3.6), and once after each start of the agent. */
const witnessedAt: ReadonlySet<AuditKind> = new Set<AuditKind>(['device.started', 'session.opened', 'session.ended'])

export type Outbox = {
  /** Stored when it returns; where the disk is full it is kept in memory, since a refusal that is not stored is still better said. */
  addAnswer(answer: CompactJws): void
  hasAnswers(): boolean
  hasEvents(): boolean
  /** Sends what waits, answers first. Throws what the call throws; what was taken is not sent again. */
  flush(call: Call, signal: AbortSignal, options?: { answersOnly: boolean }): Promise<void>
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

  let unsaved: CompactJws[] = []
  const waiting = () => [...file.value.answers, ...unsaved]

  const flushAnswers = async (call: Call, signal: AbortSignal) => {
    for (let answer = waiting()[0]; answer; answer = waiting()[0]) {
      try {
        await call('access-request.answer', { answer }, { signal })
      } catch (error) {
        if (!isFinalFailure(error)) throw error
        log.warn({ code: error.code }, 'answer not taken')
      }
      const sent = answer
      if (unsaved.includes(sent)) unsaved = unsaved.filter((one) => one !== sent)
      else file.save({ ...file.value, answers: file.value.answers.filter((one) => one !== sent) })
    }
  }

  /** An event that the main server will not have must not hold up those behind it: the batch is halved until that one stands alone, and is left out. */
  const flushEvents = async (call: Call, signal: AbortSignal) => {
    let most = maxEventsPerReport
    for (let batch = nextBatch(most); batch; batch = nextBatch(most)) {
      const report = await call('audit.report', { events: batch.events, head: batch.head }, { signal }).catch((error: unknown) => {
        if (isBadInput(error)) return null
        throw error
      })
      if (!report && batch.events.length > 1) {
        most = Math.ceil(batch.events.length / 2)
        continue
      }
      if (!report) log.error({ event: batch.events[0]?.id, kind: batch.events[0]?.kind }, 'event not taken')
      most = Math.min(maxEventsPerReport, most * 2)
      file.save({ ...file.value, logId: batch.logId, reportedSeq: batch.lastSeq })
      if (report && batch.events.some(({ kind }) => witnessedAt.has(kind))) await witness(report.head)
    }
  }

  const nextBatch = (most: number) => {
    const auditing = auditLog()
    if (!auditing || auditing.lastSeq <= reported()) return null
    const events: AuditEvent[] = []
    let bytes = 0
    let lastSeq = reported()
    for (const line of auditing.read({ fromSeq: lastSeq + 1 })) {
      bytes += JSON.stringify(line.event).length
      if (events.length >= most || (bytes > maxReportBytes && events.length > 0)) break
      events.push(line.event)
      lastSeq = line.seq
    }
    // A witnessed head answers a report, so on its own it is no reason for another one: two logs would go on for ever.
    if (events.every((event) => event.kind === 'head.witnessed')) return null
    return { logId: auditing.logId, lastSeq, events, head: auditing.head() }
  }

  return {
    addAnswer(answer) {
      try {
        file.save({ ...file.value, answers: [...file.value.answers, answer].slice(-maxAnswers) })
      } catch (error) {
        log.error({ reason: String(error) }, 'answer could not be stored')
        unsaved = [...unsaved, answer].slice(-maxAnswers)
      }
    },
    hasAnswers: () => waiting().length > 0,
    hasEvents: () => nextBatch(maxEventsPerReport) !== null,
    async flush(call, signal, { answersOnly } = { answersOnly: false }) {
      await flushAnswers(call, signal)
      if (!answersOnly) await flushEvents(call, signal)
    },
  }
}

function isBadInput(error: unknown): boolean {
  return error instanceof AppError && error.code === 'contract.bad-input'
}

/** The main server understood and will never take it; everything else is tried again. */
function isFinalFailure(error: unknown): error is AppError {
  const codes = ['access.unknown', 'access.wrong-state', 'access.cancelled', 'access.expired', 'device.answer-bad', 'contract.bad-input']
  return error instanceof AppError && codes.includes(error.code)
}
