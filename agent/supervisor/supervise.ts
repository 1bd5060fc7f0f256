import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLineSplitter } from '@gantry/shared/node/lines.ts'
import type { Log } from '../log.ts'
import { type After, countCrashes, judgeSilence, restartPauseMs, stopWithinMs } from './judge.ts'

export type Supervise = {
  /** Arguments of Node: the agent's entry file and its options. */
  argv: string[]
  signal: AbortSignal
  /** The agent's ready line, each time it comes. */
  onReady: (facts: Record<string, unknown>) => void
  log: Log
  /** How long an agent may be silent, and how often that is looked at; judge.ts says what holds outside tests. ms */
  hangAfterMs?: number
  lookEveryMs?: number
}

/** Runs the agent until the signal aborts, restarting it after crash and hang. Resolves when no agent is left. */
export async function supervise(options: Supervise): Promise<void> {
  const { signal, log } = options
  let after: After | null = null
  for (let crashes = 0; !signal.aborted; ) {
    const beganMs = performance.now()
    const end = await runOnce({ ...options, argv: after ? [...options.argv, '--after', JSON.stringify(after)] : options.argv })
    if (signal.aborted) return
    crashes = countCrashes(crashes, performance.now() - beganMs)
    after = { end: describeEnd(end), crashes }
    const pauseMs = restartPauseMs(crashes)
    log.error({ end, crashes, pauseMs }, 'agent gone, restarting')
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}

/** `fatal` is the code that the agent itself gave as its last word. */
type End = { code: number | null; killedBy: string | null; hung: boolean; fatal: string | null }

function describeEnd({ code, killedBy, hung, fatal }: End): string {
  return hung ? 'hung' : (killedBy ?? fatal ?? `exit ${code}`)
}

async function runOnce({ argv, signal, onReady, log, ...times }: Supervise): Promise<End> {
  const child = startChild(argv)
  log.info({ agentPid: child.pid }, 'agent started')
  readReadyLine(child, onReady)
  const lastWords = passLog(child)
  const { promise, resolve } = Promise.withResolvers<End>()
  const silence = watchSilence(child, times, () => log.error({ agentPid: child.pid }, 'agent hangs, killing it'))
  const stop = () => stopChild(child)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  child.once('error', (error) => {
    log.error({ reason: error.message }, 'agent could not be started')
    resolve({ code: null, killedBy: null, hung: false, fatal: 'not started' })
  })
  child.once('close', (code, killedBy) => resolve({ code, killedBy, hung: silence.hung(), fatal: lastWords() }))
  try {
    return await promise
  } finally {
    silence.stop()
    signal.removeEventListener('abort', stop)
  }
}

/**
 * stdin is a pipe: it ends when this process dies, however it dies, and the agent stops then. Should the agent hang at that moment nobody is left to kill it, so
 * on Linux the kernel is asked to (PR_SET_PDEATHSIG, set by util-linux' setpriv, kept across its exec).
 */
function startChild(argv: string[]): ChildProcess {
  const stdio: SpawnOptions['stdio'] = ['pipe', 'pipe', 'pipe', 'ipc']
  const [command, ...before] = canBindToParent() ? ['setpriv', '--pdeathsig', 'KILL', process.execPath] : [process.execPath]
  // On SIGUSR1 Node would open a debugger, which listens (R041). A small young generation is emptied before the buffers that hang on it (16 KiB for each piece of a
  // transfer) make V8 walk the whole heap: 0.2 ms each instead of a pause of 10 to 70 ms per 32 MB, and 60 MiB less memory.
  const child = spawn(command, [...before, '--disable-sigusr1', '--max-semi-space-size=1', ...argv], { stdio })
  // A child that dies first closes its pipes under us; its exit says so.
  child.stdin?.on('error', () => undefined)
  return child
}

let bindable: boolean | undefined

function canBindToParent(): boolean {
  bindable ??= process.platform === 'linux' && spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0
  return bindable
}

function readReadyLine(child: ChildProcess, onReady: Supervise['onReady']): void {
  const split = createLineSplitter(65_536)
  child.stdout?.on('data', (chunk: Buffer) => {
    for (const line of split(chunk)) {
      const { ready, ...facts } = parseFacts(line)
      if (ready === true) onReady(facts)
    }
  })
}

/** What the agent logs is passed on as it comes; stderr is written synchronously, so nothing piles up here. */
function passLog(child: ChildProcess): () => string | null {
  let tail = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk)
    tail = (tail + chunk.toString('latin1')).slice(-1_024)
  })
  return () => /^\{"fatal":\{"code":"([a-z.-]{1,60})"/m.exec(tail)?.[1] ?? null
}

function parseFacts(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}

type Silence = { hung(): boolean; stop(): void }

/** Any message over the channel is a sign of life. A hung agent gets SIGKILL at once: it would not hear anything else. */
function watchSilence(child: ChildProcess, { lookEveryMs = 1_000, hangAfterMs }: Pick<Supervise, 'lookEveryMs' | 'hangAfterMs'>, onHung: () => void): Silence {
  let heardMs = performance.now()
  let lookedMs = heardMs
  let hung = false
  child.on('message', () => {
    heardMs = performance.now()
  })
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const judgement = judgeSilence({ silentMs: nowMs - heardMs, lateMs: nowMs - lookedMs - lookEveryMs, ...(hangAfterMs ? { hangAfterMs } : {}) })
    lookedMs = nowMs
    if (judgement === 'start-again') heardMs = nowMs
    if (judgement !== 'hung' || hung) return
    hung = true
    onHung()
    child.kill('SIGKILL')
  }, lookEveryMs)
  return { hung: () => hung, stop: () => clearInterval(timer) }
}

/** SIGTERM first, SIGKILL for one that does not stop in time. */
function stopChild(child: ChildProcess): void {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  child.once('exit', () => clearTimeout(timer))
}
