import { AppError } from '@gantry/shared/errors.ts'
import type { Io } from './console.ts'
import { usageError } from './exit-code.ts'

const maxBytes = 4_096
const keys = { interrupt: 3, backspace: 8, erase: 127 } as const

/**
 * One line of stdin that nobody sees: on a terminal without echo, else from whatever feeds the pipe. Never an argument, which every process of the computer can read.
 * Errors: `auth.cancelled` for Ctrl-C, `usage.bad` for a line that is too long or not there.
 */
export async function readSecretLine({ stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>, prompt: string, missing: string): Promise<string> {
  const isTerminal = stdin.isTTY === true && stdin.setRawMode !== undefined
  if (isTerminal) {
    stderr.write(prompt)
    stdin.setRawMode?.(true)
  }
  const typed: number[] = []
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const byte of Buffer.from(chunk as Buffer | string)) {
        if (byte === 10 || byte === 13) return Buffer.from(typed).toString('utf8')
        if (isTerminal && byte === keys.interrupt) throw new AppError('auth.cancelled')
        if (isTerminal && (byte === keys.backspace || byte === keys.erase)) typed.pop()
        else typed.push(byte)
        if (typed.length > maxBytes) throw usageError(missing, '--user')
      }
    }
    if (typed.length === 0) throw usageError(missing, '--user')
    return Buffer.from(typed).toString('utf8')
  } finally {
    if (isTerminal) {
      stdin.setRawMode?.(false)
      stderr.write('\n')
    }
  }
}
