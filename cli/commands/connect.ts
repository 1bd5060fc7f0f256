import { includesLevel } from '@gantry/shared/profile.ts'
import type { Session, Terminal, TerminalOptions } from '../../main/services/services.ts'
import type { Console, Io } from '../console.ts'
import { type ExitCode, usageError } from '../exit-code.ts'
import { defaults, parseAsk } from '../options.ts'
import type { CommandContext } from '../program.ts'
import { createEscape } from '../terminal/escape.ts'
import { createInert } from '../terminal/inert.ts'
import { withServices, withSession } from '../with-services.ts'

/** With --json the output goes into the document; more than this is cut, and said to be. */
const maxKeptCharacters = 4_194_304
/** End of transmission: what a terminal sends for Ctrl-D, and what ends a shell whose input came through a pipe. */
const endOfInput = '\u0004'

export async function connectDevice({ place, console, options, args }: CommandContext): Promise<ExitCode> {
  const ask = parseAsk(options, defaults.connect, console.words.usage)
  if (!includesLevel(ask.access, 'application')) throw usageError(console.words.usage.noTerminalLevel, '--access')
  return withServices({ place, console }, async (working) => {
    const device = await working.services.devices.find(args[0] ?? '')
    const kept: string[] = []
    const done = await withSession(working, device, { ...ask, terminal: terminalOf(console.io) }, async (session) => ({
      requestId: session.requestId,
      exitCode: await useTerminal(session, { console, kept, signal: working.interrupt.signal }),
    }))
    const output = kept.join('')
    const document = { ...done, output: output.slice(0, maxKeptCharacters), truncated: output.length > maxKeptCharacters }
    if (console.json) console.answer(document, () => '')
    return 0
  })
}

type Using = { console: Console; kept: string[]; signal: AbortSignal }

const terminalOf = ({ stdout, env }: Io): TerminalOptions => ({
  columns: clamp(stdout.columns ?? 80, 2, 1_000),
  rows: clamp(stdout.rows ?? 24, 2, 500),
  term: env.TERM ?? 'dumb',
})

/** The person's terminal becomes the device's until one of the two ends. */
async function useTerminal(session: Session, { console, kept, signal }: Using): Promise<number | null> {
  const { io } = console
  const terminal = await session.openTerminal(terminalOf(io))
  const resize = () => {
    const { columns, rows } = terminalOf(io)
    terminal.resize(columns, rows)
  }
  const stopShowing = show(terminal, { console, kept })
  const input = sendInput(terminal, io)
  io.stdout.on('resize', resize)
  const left = Promise.withResolvers<'left'>()
  const leave = () => left.resolve('left')
  signal.addEventListener('abort', leave, { once: true })
  try {
    const end = await Promise.race([terminal.closed, input.left, left.promise])
    if (end === 'left') {
      if (!signal.aborted) console.say(`\r\n${console.words.terminal.escape}`)
      return null
    }
    await stopShowing()
    if (end.failure) console.say(console.words.terminal.lost)
    return end.exitCode
  } finally {
    input.stop()
    io.stdout.off('resize', resize)
    signal.removeEventListener('abort', leave)
    terminal.close()
  }
}

function show(terminal: Terminal, { console, kept }: Pick<Using, 'console' | 'kept'>): () => Promise<void> {
  const inert = createInert()
  let length = 0
  let last = Promise.resolve()
  terminal.onData((data) => {
    if (console.json) {
      if (length <= maxKeptCharacters) kept.push(data)
      length += data.length
      return terminal.drawn(data.length)
    }
    last = new Promise((resolve) =>
      console.io.stdout.write(inert(data), () => {
        // A slow reader holds the device back, not our memory.
        terminal.drawn(data.length)
        resolve()
      }),
    )
  })
  return () => last
}

type Input = { left: Promise<'left'>; stop(): void }

/** Keys go byte for byte, Ctrl-C too; only a terminal has the escape, and only a pipe has an end. */
function sendInput(terminal: Terminal, { stdin }: Io): Input {
  const left = Promise.withResolvers<'left'>()
  const isTerminal = stdin.isTTY === true
  const watchEscape = createEscape()
  const read = (chunk: Buffer | string) => {
    const bytes = Buffer.from(chunk)
    const typed = isTerminal ? watchEscape(bytes) : { send: bytes, leave: false }
    if (typed.send.length > 0) terminal.write(typed.send)
    if (typed.leave) left.resolve('left')
  }
  const end = () => terminal.write(endOfInput)
  const restore = () => void stdin.setRawMode?.(false)
  if (isTerminal) {
    stdin.setRawMode?.(true)
    // Also after a crash: a shell without echo is a poor thing to come back to.
    process.on('exit', restore)
  }
  stdin.on('data', read)
  stdin.once('end', end)
  return {
    left: left.promise,
    stop() {
      stdin.off('data', read)
      stdin.off('end', end)
      stdin.pause()
      if (!isTerminal) return
      restore()
      process.off('exit', restore)
    },
  }
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max)
}
