import { openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { AppError } from '@gantry/shared/errors.ts'
import { createSecretReader } from '@gantry/shared/node/secret-line.ts'
import type { Keys } from '../main/services/services.ts'
import type { Console } from './console.ts'

/** The PIN of the support key, where it has one; asked at each request. On a terminal unseen, else a line of stdin. Errors: `auth.pin-needed`, `auth.cancelled`. */
export async function askPin(keys: Pick<Keys, 'status'>, { io, words }: Console): Promise<string | undefined> {
  const { current } = await keys.status()
  if (!current?.pin) return undefined
  return required(await createSecretReader(io)(words.keys.pin))
}

/** A new one; on a terminal twice. */
export async function askNewPin({ io, words }: Console): Promise<string> {
  const read = createSecretReader(io)
  const first = required(await read(words.keys.newPin))
  if (io.stdin.isTTY && required(await read(words.keys.again)) !== first) throw new AppError('usage.bad', { details: { problem: words.keys.differ } })
  return first
}

/** Where stdin is somebody else's: from the terminal itself. Null where there is none. */
export async function askPinAtTerminal({ io, words }: Console): Promise<string | null> {
  const terminal = openTerminal()
  if (!terminal) return null
  try {
    return await createSecretReader({ stdin: terminal, stderr: io.stderr })(words.keys.pin)
  } finally {
    terminal.destroy()
  }
}

function openTerminal(): ReadStream | null {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'))
  } catch {
    return null
  }
}

function required(typed: string | null): string {
  if (!typed) throw new AppError('auth.pin-needed')
  return typed
}
