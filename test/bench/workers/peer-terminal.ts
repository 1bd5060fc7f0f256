import { openPty } from '../../../agent/session/pty.ts'
import { createScreen, type Screen, startEcho, type Typing, typeKeys } from './typist.ts'
import { serveCalls } from './worker.ts'

/** A person's `ssh` on a pseudo-terminal, typed into and read by the same code as ours. */
type Open = { screen: Screen; end(): Promise<void> }
let open: Open

export type PeerTerminalCalls = typeof calls
const calls = {
  /** From the program's start to the first octet of the prompt. */
  async connect({ argv }: { argv: string[] }): Promise<{ seconds: number }> {
    const start = performance.now()
    const pty = openPty({ file: 'ssh', args: argv, cwd: '/', env: { PATH: process.env.PATH ?? '', TERM: 'xterm' }, term: 'xterm', cols: 80, rows: 24 })
    const prompt = Promise.withResolvers<number>()
    let show: (data: string) => void = () => undefined
    const gone = pty.run(async (chunk) => {
      prompt.resolve(performance.now())
      show(chunk.toString('latin1'))
    })
    const screen = createScreen(
      (keys) => void pty.write(Buffer.from(keys)),
      (listener) => {
        show = listener
      },
    )
    open = {
      screen,
      async end() {
        process.kill(pty.pid, 'SIGHUP')
        await gone
      },
    }
    const failed = gone.then(() => Promise.reject(new Error(`ssh ${argv.join(' ')} ended before its prompt`)))
    return { seconds: ((await Promise.race([prompt.promise, failed])) - start) / 1_000 }
  },
  async startEcho() {
    await startEcho(open.screen)
  },
  async type(typing: Omit<Typing, 'signal'>) {
    return typeKeys(open.screen, typing)
  },
  /** Types until `stopTyping`. */
  async typeOn({ upToMs }: { upToMs: number }) {
    stop = new AbortController()
    return typeKeys(open.screen, { keys: Number.POSITIVE_INFINITY, upToMs, signal: stop.signal })
  },
  stopTyping() {
    stop.abort()
  },
  async end() {
    await open.end()
  },
}
let stop = new AbortController()
serveCalls(calls)
