import { AppError } from '@gantry/shared/errors.ts'
import type { PanelInput, PanelRequest, PanelState } from '@gantry/shared/panel.ts'
import type { SandboxWords } from '@gantry/shared/words/sandbox.en.ts'

/** A person at the panel, as far as the panel command needs one: looks, presses, looks again. */
export type Person = {
  state(): Promise<PanelState>
  input(input: PanelInput): Promise<void>
  /** Between two looks. */
  pause(): Promise<unknown>
  now(): number
}
export type Answer = { allow: boolean; code: string | null; next: boolean; timeoutMs: number; codeNeeded: string }
export type Outcome = 'approved' | 'refused' | 'code-wrong' | 'cancelled' | 'noAnswer' | 'ended'

/**
 * Answers the oldest request that waits; with `next`, waits for one up to `timeoutMs`. A typed code that is wrong is pressed until the device closes the
 * request, so that it is a refusal also where the panel would let a person try again.
 * Without a code the presser vouches for the one that is shown; where it must be typed, that is `usage.bad`.
 */
export async function answerRequest(person: Person, { allow, code, next, timeoutMs, codeNeeded }: Answer): Promise<Outcome> {
  const deadline = person.now() + timeoutMs
  const request = await findRequest(person, next ? deadline : 0)
  if (allow && code === null && request.code === null) throw new AppError('usage.bad', { details: { problem: codeNeeded } })
  await person.input({ type: 'answer', requestId: request.requestId, allow, code: allow ? code : null })
  let triesLeft = request.triesLeft
  for (;;) {
    await person.pause()
    const state = await person.state()
    const still = state.waiting.find(({ requestId }) => requestId === request.requestId)
    if (!still) return outcomeOf(state, request)
    if (still.triesLeft < triesLeft) {
      triesLeft = still.triesLeft
      await person.input({ type: 'answer', requestId: request.requestId, allow, code })
    }
    if (person.now() > request.answerBeforeMs + 5_000) throw new AppError('access.no-answer')
  }
}

async function findRequest(person: Person, deadline: number): Promise<PanelRequest> {
  for (;;) {
    const [oldest] = (await person.state()).waiting.toSorted((a, b) => a.askedMs - b.askedMs)
    if (oldest) return oldest
    if (person.now() >= deadline) throw new AppError('panel.nothing-waiting')
    await person.pause()
  }
}

function outcomeOf({ last, sessions }: PanelState, { requestId }: PanelRequest): Outcome {
  if (sessions.some((session) => session.requestId === requestId)) return 'approved'
  if (last?.requestId !== requestId) return 'approved'
  return (
    (['refused', 'code-wrong', 'cancelled'] as const).find((outcome) => outcome === last.outcome) ?? (last.outcome === 'no-answer' ? 'noAnswer' : 'approved')
  )
}

/** Answers who asks for more time, or for patient data, in a session that is on; null when nobody does. */
export async function answerInSession(person: Person, allow: boolean): Promise<Outcome | null> {
  const asks = { time: 'asksTime', restricted: 'asksRestricted' } as const
  for (const type of ['time', 'restricted'] as const) {
    const asking = (await person.state()).sessions.find((session) => session[asks[type]] !== null)
    if (!asking) continue
    await person.input({ type, requestId: asking.requestId, allow })
    while ((await person.state()).sessions.some((session) => session.requestId === asking.requestId && session[asks[type]] !== null)) await person.pause()
    return allow ? 'approved' : 'refused'
  }
  return null
}

/** Presses End on every open session, and sees that it is gone. */
export async function endSession(person: Person, timeoutMs: number): Promise<Outcome> {
  const deadline = person.now() + timeoutMs
  const open = (await person.state()).sessions
  if (open.length === 0) throw new AppError('panel.nothing-waiting')
  for (const { requestId } of open) await person.input({ type: 'end', requestId })
  while ((await person.state()).sessions.some(({ requestId }) => open.some((one) => one.requestId === requestId))) {
    if (person.now() > deadline) throw new AppError('access.no-answer')
    await person.pause()
  }
  return 'ended'
}

/** The panel in words: who asks, from where, why, case, access level, minutes, the code (R119). */
export function describePanel(state: PanelState, words: SandboxWords): string[] {
  const { panel } = words
  const head = state.device ? [`${state.device.name} · ${state.device.model} · ${state.device.site}`] : []
  if (state.agent === 'absent') head.push(panel.absent)
  else if (!state.separated) head.push(panel.notSeparated)
  else if (state.network === 'open') head.push(panel.networkOpen)
  const asked = state.waiting.flatMap((request) => [
    panel.asks(plain(request.specialist), plain(request.employer), request.country),
    `  ${panel.why}: ${plain(request.reason)}`,
    `  ${panel.caseId}: ${plain(request.caseId)}`,
    `  ${panel.access}: ${request.access}`,
    `  ${panel.time}: ${panel.minutes(request.minutes)}`,
    `  ${panel.code}: ${request.code ? `${request.code.slice(0, 3)} ${request.code.slice(3)}` : panel.codeTyped}`,
  ])
  const { policy } = state
  if (policy?.fault) head.push(panel.closed(policy.fault))
  if (policy?.switchedOff) head.push(panel.switchedOff)
  const open = state.sessions.flatMap(({ specialist, access, probed, asksTime, asksRestricted, restrictedOpen }) => [
    panel.session(plain(specialist), access),
    ...(asksTime ? [`  ${panel.asksTime(asksTime.minutes)}`] : []),
    ...(asksRestricted ? [`  ${panel.asksRestricted(asksRestricted.paths.map(plain).join(', '))}`] : []),
    ...(restrictedOpen ? [`  ${panel.restrictedOpen}`] : []),
    ...(probed ? [`  ${panel.probed(probed.tried, probed.blocked)}`] : []),
  ])
  return [...head, ...(asked.length + open.length > 0 ? [...asked, ...open] : [panel.nothing])]
}

/** What others wrote, without anything that a terminal would obey. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the point
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}
