import { AppError } from '@gantry/shared/errors.ts'
import { codesMatch } from '@gantry/shared/node/matching-code.ts'
import type { PanelRequest, PanelToAgent } from '@gantry/shared/panel.ts'
import type { Clock } from '../clock.ts'
import type { PanelLink } from '../panel-link.ts'

/** How often a code may be typed in (design: three tries). */
export const maxCodeTries = 3
/** A panel that restarts is back within this time; then nobody can agree. ms */
const panelGraceMs = 3_000

export type Press = Extract<PanelToAgent, { type: 'request.answered' }>
export type AskRule = 'ask' | 'ask-typed'
export type Judgement = { kind: 'approved' } | { kind: 'refused'; code: 'access.refused' | 'access.code-wrong' } | { kind: 'again'; triesLeft: number }

/**
 * What a press means. `ask`: the presser vouches for the comparison, or types the code, and then it must be right at once.
 * `ask-typed`: only the typed code opens, with three tries; an Allow without a code is a try that failed.
 */
export function judgePress(press: Press, { rule, code, triesLeft }: { rule: AskRule; code: string; triesLeft: number }): Judgement {
  if (!press.allow) return { kind: 'refused', code: 'access.refused' }
  if (press.code === null ? rule === 'ask' : codesMatch(press.code, code)) return { kind: 'approved' }
  const left = rule === 'ask' ? 0 : triesLeft - 1
  return left > 0 ? { kind: 'again', triesLeft: left } : { kind: 'refused', code: 'access.code-wrong' }
}

export type Question = Omit<PanelRequest, 'code' | 'triesLeft'>
export type AskPerson = { question: Question; rule: AskRule; code: string; panel: PanelLink; clock: Clock; signal: AbortSignal }
type Outcome = 'approved' | 'refused' | 'cancelled' | 'no-answer' | 'code-wrong'

/** Throws `access.panel-missing` when nobody could be asked. */
export async function requirePanel(panel: PanelLink, signal: AbortSignal): Promise<void> {
  if (!(await panel.waitConnected(panelGraceMs, signal))) throw new AppError('access.panel-missing')
}

/**
 * Asks the person at the device and returns when they allowed it. Throws `access.refused`, `access.code-wrong`, `access.no-answer` at `answerBeforeMs`,
 * or the signal's reason when the question is withdrawn. With `ask-typed` the panel never gets the code: the agent alone knows it then.
 */
export async function askPerson({ question, rule, code, panel, clock, signal }: AskPerson): Promise<void> {
  signal.throwIfAborted()
  const shown = rule === 'ask' ? code : null
  const asked = new AbortController()
  const stop = AbortSignal.any([signal, asked.signal])
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let triesLeft = maxCodeTries
  const ask = () => panel.tell({ type: 'request.asked', request: { ...question, code: shown, triesLeft } })
  const forget = panel.onPress((press) => {
    if (press.type !== 'request.answered' || press.requestId !== question.requestId) return
    const judgement = judgePress(press, { rule, code, triesLeft })
    if (judgement.kind === 'approved') return resolve()
    if (judgement.kind === 'refused') return reject(new AppError(judgement.code))
    triesLeft = judgement.triesLeft
    ask()
  })
  const late = clock.sleep(Math.max(0, question.answerBeforeMs - clock.now()), stop).then(() => Promise.reject(new AppError('access.no-answer')))
  ask()
  let outcome: Outcome = 'approved'
  try {
    await Promise.race([promise, late])
    signal.throwIfAborted()
  } catch (error) {
    outcome = outcomeOf(error)
    throw error
  } finally {
    forget()
    asked.abort()
    panel.tell({ type: 'request.closed', requestId: question.requestId, outcome })
  }
}

/** What the client has to reveal, or `access.expired`. */
export async function inTime<T>(promise: Promise<T>, { ms, clock, signal }: { ms: number; clock: Clock; signal: AbortSignal }): Promise<T> {
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  const late = clock.sleep(ms, stop).then(() => Promise.reject(new AppError('access.expired', { details: { what: 'reveal' } })))
  try {
    return await Promise.race([promise, late])
  } finally {
    over.abort()
  }
}

function outcomeOf(error: unknown): Outcome {
  const code = error instanceof AppError ? error.code : undefined
  if (code === 'access.no-answer') return 'no-answer'
  if (code === 'access.code-wrong') return 'code-wrong'
  return code === 'access.refused' ? 'refused' : 'cancelled'
}
