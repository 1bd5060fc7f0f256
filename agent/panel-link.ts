import { connect, type Socket } from 'node:net'
import { parse } from '@gantry/shared/contract.ts'
import { parseLine, readLines } from '@gantry/shared/node/lines.ts'
import { type AgentToPanel, type PanelToAgent, panelToAgent } from '@gantry/shared/panel.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/**
 * The agent's end of the front panel's socket. The panel owns the socket and the agent dials it, again and again, so that the agent listens on nothing (R041).
 * What waits or runs is told again after each reconnection: a panel that was restarted in the middle shows the same as before.
 */
export type PanelLink = {
  connected(): boolean
  /** True at once when the panel is there, else as soon as it comes, else false after `ms`. */
  waitConnected(ms: number, signal: AbortSignal): Promise<boolean>
  /** Never throws. Output is dropped while the panel does not keep up; questions, sessions and moves are not. */
  tell(message: AgentToPanel): void
  onPress(listener: (message: PanelToAgent) => void): () => void
}

export type PanelLinkOptions = {
  socketPath: string
  clock: Clock
  log: Log
  signal: AbortSignal
  /** Between two tries to connect, ms. */
  retryMs?: number
}

const maxLineBytes = 65_536
/** Of base64, so that a line stays below its limit: whole groups of four characters. */
const maxDataCharacters = 48_000
/** Bytes that may wait for a slow panel: above the first, output is dropped; above the second, the panel is given up and dialled anew. */
const outputWaterBytes = 1_048_576
const deadWaterBytes = 16_777_216

export function createPanelLink({ socketPath, clock, log, signal, retryMs = 500 }: PanelLinkOptions): PanelLink {
  const memory = createMemory()
  const listeners = new Set<(message: PanelToAgent) => void>()
  const waiting = new Set<() => void>()
  let socket: Socket | null = null

  const attend = async (open: Socket) => {
    socket = open
    for (const message of memory.current()) send(open, message)
    for (const resolve of waiting) resolve()
    for await (const line of readLines(open, { maxBytes: maxLineBytes, signal })) {
      const message = parse(panelToAgent, parseLine(line), 'panel')
      for (const listener of listeners) listener(message)
    }
  }
  const run = async () => {
    for (let tries = 0; !signal.aborted; ) {
      const open = await dial(socketPath, signal)
      if (open) {
        tries = 0
        log.info({}, 'panel connected')
        await attend(open).catch((error: unknown) => log.warn({ reason: String(error) }, 'panel lost'))
        socket = null
        open.destroy()
      } else if (tries++ === 0) log.warn({}, 'panel not there')
      await clock.sleep(retryMs, signal).catch(() => undefined)
    }
  }
  void run()

  return {
    connected: () => socket !== null,
    waitConnected: (ms, stop) => (socket ? Promise.resolve(true) : waitFor(waiting, clock.sleep(ms, stop))),
    tell(message) {
      memory.note(message)
      if (socket) send(socket, message)
    },
    onPress(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function send(socket: Socket, message: AgentToPanel): void {
  if (!socket.writable) return
  if (message.type === 'session.output') return sendOutput(socket, message)
  socket.write(`${JSON.stringify(message)}\n`)
  if (socket.writableLength > deadWaterBytes) socket.destroy()
}

function sendOutput(socket: Socket, message: Extract<AgentToPanel, { type: 'session.output' }>): void {
  for (let at = 0; at < message.data.length && socket.writableLength <= outputWaterBytes; at += maxDataCharacters) {
    socket.write(`${JSON.stringify({ ...message, data: message.data.slice(at, at + maxDataCharacters) })}\n`)
  }
}

/** Resolves to null when nobody answers. */
function dial(path: string, signal: AbortSignal): Promise<Socket | null> {
  const { promise, resolve } = Promise.withResolvers<Socket | null>()
  const socket = connect({ path })
  const giveUp = () => {
    socket.destroy()
    resolve(null)
  }
  signal.addEventListener('abort', giveUp, { once: true })
  // An error listener stays: a panel that dies later must not end the agent.
  socket.on('error', () => resolve(null))
  socket.once('connect', () => resolve(socket))
  return promise.finally(() => signal.removeEventListener('abort', giveUp))
}

async function waitFor(waiting: Set<() => void>, timeout: Promise<void>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<true>()
  const arrived = () => resolve(true)
  waiting.add(arrived)
  try {
    return await Promise.race([promise, timeout.then(() => false)])
  } finally {
    waiting.delete(arrived)
  }
}

/** The hello, the questions and the sessions that stand now, in the order in which they came. */
function createMemory(): { note(message: AgentToPanel): void; current(): AgentToPanel[] } {
  let hello: AgentToPanel | null = null
  const questions = new Map<string, AgentToPanel>()
  const sessions = new Map<string, Extract<AgentToPanel, { type: 'session.opened' }>>()
  return {
    note(message) {
      if (message.type === 'hello') hello = message
      if (message.type === 'request.asked') questions.set(message.request.requestId, message)
      if (message.type === 'request.closed') questions.delete(message.requestId)
      if (message.type === 'session.opened') sessions.set(message.session.requestId, message)
      if (message.type === 'session.changed') {
        const opened = sessions.get(message.requestId)
        if (opened) sessions.set(message.requestId, { ...opened, session: { ...opened.session, ...message.change } })
      }
      if (message.type === 'session.ended') sessions.delete(message.requestId)
    },
    current: () => [...(hello ? [hello] : []), ...questions.values(), ...sessions.values()],
  }
}
