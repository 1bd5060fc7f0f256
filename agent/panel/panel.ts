import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { parse } from '@gantry/shared/contract.ts'
import { parseLine, readLines } from '@gantry/shared/node/lines.ts'
import { type AgentToPanel, agentToPanel, PanelInput, type PanelScreen, type PanelState, type PanelToAgent } from '@gantry/shared/panel.ts'
import type { Log } from '../log.ts'
import type { Config } from './config.ts'
import { emptyPanel, type PanelEvent, reducePanel } from './panel-state.ts'
import { bindPanelSocket } from './socket.ts'

/** A line of terminal output is at most 64 KiB on the agent's socket; the same holds for the screen's presses. */
const maxLineBytes = 65_536
/** Bytes that may wait for a slow screen. Output above that is dropped, never a state: the newest one is sent as soon as there is room. */
const screenWaterBytes = 1_048_576
/** Changes of one moment are shown together. ms */
const gatherMs = 25

export type PanelWith = {
  config: Config
  /** Where the screen reads (lines of PanelScreen) and writes (lines of PanelInput). */
  screen: { input: Readable; output: Writable }
  log: Log
  signal: AbortSignal
  /** Before the first line to the screen. */
  onBound?: () => void
  now?: () => number
}

/** Resolves once the socket is bound; runs until the signal aborts. It decides nothing: it shows what the agent says and passes on what was pressed. */
export async function startPanel({ config, screen, log, signal, onBound, now = Date.now }: PanelWith): Promise<void> {
  let state: PanelState = emptyPanel
  let agent: Socket | null = null
  const show = createScreenWriter(screen.output)

  const reduce = (event: PanelEvent) => {
    const next = reducePanel(state, event, now())
    if (next === state) return
    state = next
    showSoon()
  }
  // A transfer of many files changes the state often, and each line carries all of it.
  let willShow = false
  const showSoon = () => {
    if (willShow) return
    willShow = true
    setTimeout(() => {
      willShow = false
      show({ type: 'state', state })
    }, gatherMs)
  }
  const attend = async (socket: Socket) => {
    // A new connection is the agent started anew; the older one is dead or about to be.
    agent?.destroy()
    agent = socket
    send(socket, { type: 'hello', language: config.language })
    for await (const line of readLines(socket, { maxBytes: maxLineBytes, signal })) {
      const message = parse(agentToPanel, parseLine(line), 'agent')
      if (message.type === 'session.output') show(outputOf(message))
      else reduce(message)
    }
  }
  const onAgent = (socket: Socket) => {
    socket.on('error', () => undefined)
    void attend(socket)
      .catch((error: unknown) => log.warn({ reason: String(error) }, 'agent lost'))
      .finally(() => {
        socket.destroy()
        if (agent !== socket) return
        agent = null
        reduce({ type: 'agent.gone' })
      })
  }
  const readScreen = async () => {
    for await (const line of readLines(screen.input, { maxBytes: maxLineBytes })) {
      try {
        const pressed = toAgent(parse(PanelInput, parseLine(line), 'screen'))
        if (agent) send(agent, pressed)
      } catch {
        log.warn({}, 'screen sent what is no press')
      }
    }
  }
  await bindPanelSocket({ ...config, onAgent, signal })
  onBound?.()
  signal.addEventListener('abort', () => agent?.destroy(), { once: true })
  show({ type: 'state', state })
  void readScreen().catch((error: unknown) => log.warn({ reason: String(error) }, 'screen lost'))
}

function outputOf({ requestId, terminal, data, size }: Extract<AgentToPanel, { type: 'session.output' }>): PanelScreen {
  return { type: 'output', requestId, terminal, data, ...(size ? { size } : {}) }
}

function toAgent(input: PanelInput): PanelToAgent {
  if (input.type === 'switch') return { type: 'service.switch', on: input.on }
  if (input.type === 'check') return { type: 'network.check', run: input.run }
  if (input.type === 'time') return { type: 'time.answered', requestId: input.requestId, allow: input.allow }
  if (input.type === 'restricted') return { type: 'restricted.answered', requestId: input.requestId, allow: input.allow }
  if (input.type === 'end') return { type: 'session.end', requestId: input.requestId }
  return { type: 'request.answered', requestId: input.requestId, allow: input.allow, code: input.code }
}

function send(socket: Socket, message: PanelToAgent): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`)
}

/** While the screen does not keep up, output is left out and of the states only the newest waits. */
function createScreenWriter(stream: Writable): (screen: PanelScreen) => void {
  let newest: PanelScreen | null = null
  const write = (screen: PanelScreen) => stream.write(`${JSON.stringify(screen)}\n`)
  stream.on('error', () => undefined)
  stream.on('drain', () => {
    if (newest) write(newest)
    newest = null
  })
  return (screen) => {
    const full = stream.writableLength > screenWaterBytes
    if (!full && !newest) write(screen)
    else if (screen.type === 'state') newest = screen
  }
}
