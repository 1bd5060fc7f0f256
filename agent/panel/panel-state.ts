import type { AgentToPanel, PanelState } from '@gantry/shared/panel.ts'

/** What the panel knows, as a pure function of what it was told. Everything in it is bounded: the screen shows the newest, the audit holds all. */
export type PanelEvent = AgentToPanel | { type: 'agent.gone' }

export const emptyPanel: PanelState = {
  device: null,
  agent: 'absent',
  separated: true,
  network: 'none',
  clockOffSeconds: 0,
  connectivity: 'waiting',
  policy: null,
  waiting: [],
  sessions: [],
  last: null,
  check: null,
}

const maxWaiting = 20
const maxSessions = 20
const maxMoves = 100
/** Of a file's name or a command: what a line of the screen can show. */
const maxTextCharacters = 200

type Session = PanelState['sessions'][number]
type Of<T extends AgentToPanel['type']> = Extract<AgentToPanel, { type: T }>

/** `nowMs` is the panel's own clock. Output is no state: it passes through (panel.ts). */
export function reducePanel(state: PanelState, event: PanelEvent, nowMs: number): PanelState {
  switch (event.type) {
    case 'hello':
      return helloFrom(state, event)
    case 'request.asked':
      return { ...state, waiting: putRequest(state.waiting, event.request) }
    case 'request.closed':
      return closeRequest(state, event, nowMs)
    case 'session.opened':
      return openSession(state, event)
    case 'session.moved':
      return { ...state, sessions: state.sessions.map((one) => (one.requestId === event.requestId ? addMove(one, event.move) : one)) }
    case 'session.changed':
      return { ...state, sessions: state.sessions.map((one) => (one.requestId === event.requestId ? { ...one, ...event.change } : one)) }
    case 'session.ended':
      return endSession(state, event, nowMs)
    case 'session.output':
      return state
    case 'network.checked':
      return { ...state, check: event.passport }
    case 'agent.gone':
      return agentGone(state, nowMs)
  }
}

function helloFrom(state: PanelState, { type: _, ...told }: Of<'hello'>): PanelState {
  return { ...state, agent: 'connected', ...told }
}

/** A question that comes again, with fewer tries or after a reconnection, keeps its place in the row. */
function putRequest(waiting: PanelState['waiting'], request: Of<'request.asked'>['request']): PanelState['waiting'] {
  const known = waiting.some((one) => one.requestId === request.requestId)
  if (known) return waiting.map((one) => (one.requestId === request.requestId ? request : one))
  return [...waiting, request].slice(0, maxWaiting)
}

function closeRequest(state: PanelState, { requestId, outcome }: Of<'request.closed'>, atMs: number): PanelState {
  const closed = state.waiting.find((one) => one.requestId === requestId)
  if (!closed) return state
  const last = { requestId, specialist: closed.specialist, outcome, atMs }
  return { ...state, waiting: state.waiting.filter((one) => one !== closed), last }
}

function openSession(state: PanelState, { session }: Of<'session.opened'>): PanelState {
  const known = state.sessions.find((one) => one.requestId === session.requestId)
  const others = state.sessions.filter((one) => one !== known)
  return { ...state, sessions: [...others, { ...session, moves: known?.moves ?? [] }].slice(-maxSessions) }
}

/** A move that goes on is the same line; one that is new gets the next number, which the page uses as its key. */
function addMove(session: Session, told: Of<'session.moved'>['move']): Session {
  const move = { ...told, text: told.text.slice(0, maxTextCharacters) }
  const { moves } = session
  const at = moves.findLastIndex((one) => !one.done && one.kind === move.kind && one.text === move.text)
  if (at >= 0) return { ...session, moves: moves.map((one, index) => (index === at ? { ...move, id: one.id } : one)) }
  const id = (moves.at(-1)?.id ?? 0) + 1
  return { ...session, moves: [...moves, { ...move, id }].slice(-maxMoves) }
}

function endSession(state: PanelState, { requestId, cause }: Of<'session.ended'>, atMs: number): PanelState {
  const ended = state.sessions.find((one) => one.requestId === requestId)
  if (!ended) return state
  const last = { requestId, specialist: ended.specialist, outcome: cause, atMs }
  return { ...state, sessions: state.sessions.filter((one) => one !== ended), last }
}

/** Nobody listens to a press any more, so nothing may look as if it could be pressed. A session cannot outlive its agent. */
function agentGone(state: PanelState, atMs: number): PanelState {
  const ended = state.sessions.at(-1)
  const last = ended ? { requestId: ended.requestId, specialist: ended.specialist, outcome: 'agent-stopped', atMs } : state.last
  return { ...state, agent: 'absent', connectivity: 'waiting', waiting: [], sessions: [], last, check: null }
}
