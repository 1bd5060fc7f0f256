import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { AppError, type ErrorDetails, isErrorCode } from '@gantry/shared/errors.ts'
import { readLines, writeLine } from '@gantry/shared/node/lines.ts'
import { z } from 'zod'

/**
 * One process of the system. Its stdin is held open as long as the sandbox lives, and it stops when that ends: so a `kill -9` of the sandbox leaves nothing
 * behind. Its stdout speaks lines of JSON, the first of which says that it is ready; its stderr goes straight into a file.
 */
export type PartSpec = {
  name: string
  argv: [string, ...string[]]
  log: string
  /** Every line after the first. */
  onLine?: (line: unknown) => void
  env?: NodeJS.ProcessEnv
  cwd?: string
  /** Time to the first line. */
  readyWithinMs?: number
  /** An exit code that means: start me again at once, this is no failure. */
  restartCode?: number
  maxLineBytes?: number
  /** How long to wait before the next start, by failures in a row. */
  restartDelayMs?: (failures: number) => number
  /** True for a part that is not started again when it ends. */
  once?: boolean
  /** Once aborted nothing is started again: whoever stops the sandbox may have told the whole process group. */
  signal?: AbortSignal
}
export type PartEvent =
  | { kind: 'ready'; name: string; pid: number; restarts: number; afterMs: number }
  | { kind: 'died'; name: string; code: number | null; signal: string | null; againInMs: number | null }

export type Part = {
  name: string
  /** The first ready line. Rejects when the first start fails; later failures are retried. */
  ready: Promise<Record<string, unknown>>
  /** 0 while it is down. */
  pid(): number
  /** One line of JSON to its stdin; dropped while it is down. */
  send(value: unknown): void
  /** Graceful, then by force after `stopWithinMs`. Resolves when the process is gone. */
  stop(stopWithinMs?: number): Promise<void>
}

const Ready = z.looseObject({ ready: z.literal(true) })
const Fatal = z.object({ fatal: z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() }) })
const maxLogBytes = 20_000_000
/** The first restart is at once; one that was up for a minute starts from there again. */
const steadyMs = 60_000

export function restartDelayMs(failures: number): number {
  return failures <= 1 ? 100 : Math.min(1_000 * 2 ** (failures - 2), 60_000)
}

export function startPart(spec: PartSpec, onEvent: (event: PartEvent) => void): Part {
  let child: ChildProcess | null = null
  let stopping = false
  let failures = 0
  let restarts = 0
  let gone: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const first = Promise.withResolvers<Record<string, unknown>>()
  // Whoever waits for it gets the failure; nobody waiting is no defect.
  first.promise.catch(() => undefined)
  let started = false

  const start = () => {
    const startedMs = Date.now()
    const one = open(spec)
    const exit = Promise.withResolvers<void>()
    child = one
    gone = exit.promise
    one.stdin?.on('error', () => undefined)
    const reading = watchLines(spec, one, (line) => {
      if (!started) first.resolve(line)
      started = true
      onEvent({ kind: 'ready', name: spec.name, pid: one.pid ?? 0, restarts, afterMs: Date.now() - startedMs })
    })
    // `error` without `exit`: the program could not be started at all.
    one.once('error', () => one.pid === undefined && ended(null, null))
    one.once('exit', (code, signal) => void reading.finally(() => ended(code, signal)))

    const ended = (code: number | null, signal: string | null) => {
      child = null
      exit.resolve()
      if (stopping) return
      if (!started || spec.once || spec.signal?.aborted) {
        if (!spec.signal?.aborted) onEvent({ kind: 'died', name: spec.name, code, signal, againInMs: null })
        return first.reject(fatalIn(spec))
      }
      const wanted = code !== null && code === spec.restartCode
      failures = wanted || Date.now() - startedMs > steadyMs ? 1 : failures + 1
      restarts += 1
      const againInMs = wanted ? 0 : (spec.restartDelayMs ?? restartDelayMs)(failures)
      if (!wanted) onEvent({ kind: 'died', name: spec.name, code, signal, againInMs })
      timer = setTimeout(() => spec.signal?.aborted || start(), againInMs)
    }
  }
  start()

  return {
    name: spec.name,
    ready: first.promise,
    pid: () => child?.pid ?? 0,
    send(value) {
      if (child?.stdin) writeLine(child.stdin, value).catch(() => undefined)
    },
    async stop(stopWithinMs = 5_000) {
      stopping = true
      clearTimeout(timer)
      const one = child
      if (!one) return gone
      one.stdin?.end()
      one.kill('SIGTERM')
      const force = setTimeout(() => one.kill('SIGKILL'), stopWithinMs)
      await gone.finally(() => clearTimeout(force))
    },
  }
}

function open({ argv: [program, ...rest], log, env, cwd }: PartSpec): ChildProcess {
  limitLog(log)
  const file = openSync(log, 'a', 0o600)
  try {
    return spawn(program, rest, { stdio: ['pipe', 'pipe', file], env: env ?? process.env, ...(cwd ? { cwd } : {}) })
  } finally {
    closeSync(file)
  }
}

async function watchLines(spec: PartSpec, child: ChildProcess, ready: (line: Record<string, unknown>) => void): Promise<void> {
  if (!child.stdout) return
  const late = setTimeout(() => child.kill('SIGKILL'), spec.readyWithinMs ?? 30_000)
  let told = false
  try {
    for await (const text of readLines(child.stdout, { maxBytes: spec.maxLineBytes ?? 1_000_000 })) {
      const line: unknown = parseJson(text)
      const first = told ? undefined : Ready.safeParse(line)
      if (first?.success) {
        told = true
        clearTimeout(late)
        ready(first.data)
      } else if (line !== undefined) spec.onLine?.(line)
    }
  } catch {
    child.kill('SIGKILL')
  } finally {
    clearTimeout(late)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The part's own last word on why it could not start. */
function fatalIn({ name, log }: PartSpec): AppError {
  const tail = readFileSync(log, 'utf8').slice(-8_000).trimEnd().split('\n')
  for (const text of tail.reverse()) {
    const line = Fatal.safeParse(parseJson(text))
    if (!line.success || !isErrorCode(line.data.fatal.code)) continue
    const details: ErrorDetails = { ...line.data.fatal.details, part: name }
    return new AppError(line.data.fatal.code, { details })
  }
  return new AppError('internal', { details: { part: name, log } })
}

function limitLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > maxLogBytes) truncateSync(path)
}
