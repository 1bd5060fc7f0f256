import type { Readable, Writable } from 'node:stream'
import { AppError } from '../errors.ts'

/** Where secrets are typed: a terminal, or whatever feeds the pipe. Never an argument, which every process of the computer can read. */
export type SecretInput = {
  stdin: Readable & { isTTY?: boolean; setRawMode?(raw: boolean): unknown }
  stderr: Writable
}

export const maxSecretLineBytes = 4_096
const keys = { interrupt: 3, backspace: 8, erase: 127 } as const

/**
 * Lines of stdin that nobody sees, one for each call: on a terminal without echo, and the prompt is shown there only. Null where stdin is at its end without one.
 * What came behind a line end goes back into the stream. Errors: `auth.cancelled` for Ctrl-C, `contract.too-large`.
 */
export function createSecretReader({ stdin, stderr }: SecretInput): (prompt: string) => Promise<string | null> {
  const isTerminal = stdin.isTTY === true && stdin.setRawMode !== undefined
  /** A line may end with CR LF, and its second half may come later. */
  let afterReturn = false
  return async (prompt) => {
    if (isTerminal) {
      // First, so that nothing of a fast hand is echoed before.
      stdin.setRawMode?.(true)
      stderr.write(prompt)
    }
    const typed: number[] = []
    /** True at the line's end. */
    const take = (byte: number) => {
      const secondHalf = afterReturn && byte === 10
      afterReturn = byte === 13
      if (secondHalf) return false
      if (byte === 10 || byte === 13) return true
      if (isTerminal && byte === keys.interrupt) throw new AppError('auth.cancelled')
      if (isTerminal && (byte === keys.backspace || byte === keys.erase)) typed.pop()
      else typed.push(byte)
      if (typed.length > maxSecretLineBytes) throw new AppError('contract.too-large', { details: { maxBytes: maxSecretLineBytes } })
      return false
    }
    try {
      for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
        const bytes = [...Buffer.from(chunk as Buffer | string)]
        const end = bytes.findIndex(take)
        if (end < 0) continue
        if (end + 1 < bytes.length) stdin.unshift(Buffer.from(bytes.slice(end + 1)))
        return text(typed)
      }
      return typed.length > 0 ? text(typed) : null
    } finally {
      if (isTerminal) {
        stdin.setRawMode?.(false)
        stderr.write('\n')
      }
    }
  }
}

function text(typed: number[]): string {
  return Buffer.from(typed).toString('utf8')
}
