import type { PanelRequest, PanelState } from '@gantry/shared/panel.ts'
import type { Passport } from '@gantry/shared/passport.ts'

/** What the screen shows, worked out from the state alone. A question goes before all else; a session before what has ended. */
export type View =
  | { name: 'request'; request: PanelRequest; more: number; live: Session[] }
  | { name: 'live'; session: Session; others: Session[] }
  | { name: 'check'; passport: Passport }
  | { name: 'ended'; last: NonNullable<PanelState['last']> }
  | { name: 'idle'; reason: 'absent' | IdleReason }
export type Session = PanelState['sessions'][number]

/** The closing words stay this long when nobody presses Done. ms */
const endedForMs = 90_000

export type Looking = {
  /** The screen lost its host: nothing can be pressed any more, so nothing may look as if it could. */
  connected: boolean
  nowMs: number
  /** `atMs` of the closing words that were read. */
  dismissedMs: number
}

export function viewOf(state: PanelState, { connected, nowMs, dismissedMs }: Looking): View {
  if (!connected || state.agent === 'absent') return { name: 'idle', reason: 'absent' }
  const [request, ...more] = [...state.waiting].sort((a, b) => a.askedMs - b.askedMs)
  if (request) return { name: 'request', request, more: more.length, live: state.sessions }
  const session = state.sessions.at(-1)
  if (session) return { name: 'live', session, others: state.sessions.slice(0, -1) }
  const { last, check } = state
  if (check) return { name: 'check', passport: check }
  if (last && last.atMs > dismissedMs && nowMs - last.atMs < endedForMs) return { name: 'ended', last }
  return { name: 'idle', reason: idleReason(state) }
}

type IdleReason = 'ready' | 'closed' | Exclude<PanelState['connectivity'], 'ok'>

function idleReason({ connectivity, policy }: PanelState): IdleReason {
  if (policy?.fault) return 'closed'
  return connectivity === 'ok' ? 'ready' : connectivity
}

/** When this changes the screen is drawn anew; else only what moves in it is. */
export function viewKey(view: View): string {
  if (view.name === 'request') return `request ${view.request.requestId} ${view.live.length > 0}`
  if (view.name === 'live') return `live ${view.session.requestId}`
  if (view.name === 'check') return 'check'
  return view.name === 'ended' ? `ended ${view.last.requestId} ${view.last.atMs}` : `idle ${view.reason}`
}

/** `1:18`, `41:12`, `2:05:00`. Never below zero. */
export function countdown(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1_000))
  const two = (value: number) => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** `38.2 MB`, `38,2 Mo`. */
export function bytesText(bytes: number, units: readonly string[], locale: string): string {
  let [value, unit] = [bytes, 0]
  while (value >= 1_000 && unit < units.length - 1) [value, unit] = [value / 1_000, unit + 1]
  const digits = unit > 0 && value < 100 ? 1 : 0
  return `${new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)} ${units[unit] ?? ''}`
}

/**
 * A name from the device or the specialist, made harmless for a reader: control characters and what turns the reading direction become visible
 * (a file named `exe.‮gpj` must not read as a picture).
 */
export function readable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: making them visible is the point
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '\ufffd')
}

/** The country's name in the reader's language; the platform knows them, so no place name stands in our code. */
export function countryName(code: string, locale: string): string {
  try {
    return new Intl.DisplayNames([locale], { type: 'region' }).of(code) ?? code
  } catch {
    return code
  }
}
