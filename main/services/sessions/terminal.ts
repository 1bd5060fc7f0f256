import { AppError, type Failure, toFailure } from '@gantry/shared/errors.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { ClientChannel } from 'ssh2'
import type { Terminal } from '../services.ts'

/** Characters given out and not yet drawn: above `pauseAbove` the device is held back, below `resumeBelow` it goes on. A flood so waits at its source. */
export const drawLimits = { pauseAbove: 100_000, resumeBelow: 5_000 } as const

/** Typed, or answered to the device's questions, and not taken by it: bytes. A device that asks and never reads must not fill this computer's memory. */
export const maxUnreadBytes = 4_194_304

/** A channel with a pty as text: UTF-8 is decoded across chunks, and bytes that are none show as the replacement character. */
export function createTerminal(id: string, requestId: RequestId, channel: ClientChannel): Terminal & { end(failure: Failure | null): void } {
  const decoder = new TextDecoder('utf-8')
  const closed = Promise.withResolvers<{ exitCode: number | null; failure: Failure | null }>()
  let exitCode: number | null = null
  let undrawn = 0
  let paused = false

  channel.on('exit', (code: number | null) => {
    exitCode = code
  })
  channel.once('close', () => closed.resolve({ exitCode, failure: null }))

  return {
    id,
    requestId,
    closed: closed.promise,
    onData(listener) {
      const give = (text: string) => {
        if (text === '') return
        undrawn += text.length
        if (undrawn > drawLimits.pauseAbove && !paused) {
          paused = true
          channel.pause()
        }
        listener(text)
      }
      channel.on('data', (chunk: Buffer) => give(decoder.decode(chunk, { stream: true })))
      // A shell without a pty has this too; with one it stays silent.
      channel.stderr.on('data', (chunk: Buffer) => give(decoder.decode(chunk, { stream: true })))
      channel.once('end', () => give(decoder.decode()))
    },
    write(data) {
      if (!channel.writable) return
      channel.write(data)
      if (channel.writableLength <= maxUnreadBytes) return
      closed.resolve({ exitCode: null, failure: toFailure(new AppError('session.terminal-unread')) })
      channel.destroy()
    },
    resize(columns, rows) {
      if (channel.writable) channel.setWindow(rows, columns, 0, 0)
    },
    drawn(characters) {
      undrawn = Math.max(0, undrawn - characters)
      if (paused && undrawn < drawLimits.resumeBelow) {
        paused = false
        channel.resume()
      }
    },
    close: () => channel.close(),
    end(failure) {
      closed.resolve({ exitCode, failure })
      channel.destroy()
    },
  }
}
