import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { z } from 'zod'
import { AppError, toFailure } from '../errors.ts'

/**
 * How every part of the system is a process: `node part/main.ts --config FILE`.
 * stdout: one line {"ready":true,…} when it serves. stderr: log lines; a start that fails ends with {"fatal":{"code","details"}} and exit code 1.
 * SIGTERM stops it gracefully. With `"stopWithStdin": true` in the config it also stops when stdin ends, so that no process outlives the one that
 * started it, even after a kill -9; SIGINT is then left to the parent, since a terminal sends it to the whole group.
 */
export type Ready = (facts?: Record<string, unknown>) => void
export type Part<T> = {
  Config: z.ZodType<T>
  /** Resolves when the part has stopped; must do so soon after `signal` aborts. */
  main(config: T, signal: AbortSignal, ready: Ready): Promise<void>
  /** How long a graceful stop may take; then the process exits all the same. 5,000 unless told otherwise. */
  stopWithinMs?: number | ((config: T) => number)
  /** True for a part that reads stdin itself: then its bytes are left alone here, and only the end is seen. */
  readsStdin?: boolean
}

export async function runPart<T>(part: Part<T>): Promise<void> {
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  try {
    const config = readConfig(part.Config)
    const stopWithinMs = typeof part.stopWithinMs === 'function' ? part.stopWithinMs(config) : (part.stopWithinMs ?? 5_000)
    const signal = stopSignal(hasFlag(config), part.readsStdin ?? false, stopWithinMs)
    // A part lives until its `main` says that it is done, also while it holds nothing that keeps Node running.
    const alive = setInterval(() => undefined, 3_600_000)
    await part.main(config, signal, createReady())
    clearInterval(alive)
    process.exit(0)
  } catch (error) {
    fail(error)
  }
}

/** The config named on the command line. Throws `usage.bad` without one, `state.unreadable {path, field}` when it does not fit. */
function readConfig<T>(schema: z.ZodType<T>): T {
  const { values } = parseArgs({ options: { config: { type: 'string' } }, strict: false })
  if (typeof values.config !== 'string') throw new AppError('usage.bad', { details: { option: '--config' } })
  let content: unknown
  try {
    content = JSON.parse(readFileSync(values.config, 'utf8'))
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { path: values.config } })
  }
  const parsed = schema.safeParse(content)
  if (parsed.success) return parsed.data
  const field = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new AppError('state.unreadable', { cause: parsed.error, details: { path: values.config, field } })
}

function hasFlag(config: unknown): boolean {
  return typeof config === 'object' && config !== null && 'stopWithStdin' in config && config.stopWithStdin === true
}

function stopSignal(stopWithStdin: boolean, readsStdin: boolean, stopWithinMs: number): AbortSignal {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) return
    controller.abort()
    setTimeout(() => process.exit(1), stopWithinMs).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stopWithStdin ? () => undefined : stop)
  if (stopWithStdin) {
    process.stdin.once('end', stop).once('close', stop).once('error', stop)
    if (!readsStdin) process.stdin.resume()
  }
  return controller.signal
}

function createReady(): Ready {
  let told = false
  return (facts = {}) => {
    if (told) return
    told = true
    process.stdout.write(`${JSON.stringify({ ready: true, ...facts })}\n`)
  }
}

function fail(error: unknown): never {
  const failure = toFailure(asAppError(error))
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined
  process.stderr.write(`${JSON.stringify({ level: 60, time: Date.now(), pid: process.pid, msg: text, cause })}\n`)
  process.stderr.write(`${JSON.stringify({ fatal: failure })}\n`)
  process.exit(1)
}

function asAppError(error: unknown): unknown {
  const busy = error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES') && 'port' in error
  return busy ? new AppError('port.busy', { cause: error, details: { port: Number(error.port) } }) : error
}
