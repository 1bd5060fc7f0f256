import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'

const run = promisify(execFile)
const maxOutputBytes = 65_536

/** Runs one of the owner's own commands and gives the JSON line it prints. Throws `action.failed {reason}`: missing, time, status or output. */
export async function runService(argv: readonly string[], { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal }): Promise<unknown> {
  const [file, ...args] = argv
  if (!file) throw new AppError('action.failed', { details: { reason: 'not-configured' } })
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }
  const { stdout } = await run(file, args, { env, cwd: '/', timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: maxOutputBytes, signal }).catch(
    (error: unknown) => {
      throw new AppError('action.failed', { cause: error, details: { reason: reasonOf(error) } })
    },
  )
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  } catch (error) {
    throw new AppError('action.failed', { cause: error, details: { reason: 'output' } })
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'status'
  if ('killed' in error && error.killed === true) return 'time'
  return 'code' in error && error.code === 'ENOENT' ? 'missing' : 'status'
}
