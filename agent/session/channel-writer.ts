import { drained } from '@gantry/shared/node/lines.ts'
import type { ServerChannel } from 'ssh2'
import { forgetWaiting } from './ssh-internals.ts'

/**
 * The one way to write to a channel. It waits for the client's window and for the leg itself, which ssh2 does not look at: a client that grants
 * four gigabytes and reads none would otherwise fill the device's memory.
 */
export type ChannelWriter = {
  /** Resolves when the next chunk is welcome. Chunks leave in the order of the calls. Resolves at once when the channel is gone; see `gone`. */
  write(chunk: Uint8Array, to?: 'stdout' | 'stderr'): Promise<void>
  readonly gone: boolean
}

export type Transport = {
  /** Null when the leg has room, else resolves when it has. */
  room(): Promise<void> | null
}

const maxWaitingBytes = 1_048_576

export function createTransport(leg: { writableLength: number; destroyed: boolean } & Parameters<typeof drained>[0]): Transport {
  return {
    room() {
      if (leg.destroyed || leg.writableLength < maxWaitingBytes) return null
      return drained(leg).catch(() => undefined)
    },
  }
}

export function createChannelWriter(channel: ServerChannel, transport: Transport): ChannelWriter {
  let gone = false
  let waiting = 0
  let last: Promise<void> = Promise.resolve()
  let taken: () => void = () => undefined
  // ssh2 never calls back for a channel that was closed meanwhile.
  channel.once('close', () => {
    gone = true
    taken()
  })
  const push = (chunk: Uint8Array, to: 'stdout' | 'stderr'): Promise<void> => {
    if (gone || !channel.writable) return Promise.resolve()
    forgetWaiting(channel)
    const target = to === 'stdout' ? channel : channel.stderr
    return new Promise<void>((resolve) => {
      taken = resolve
      target.write(chunk, () => resolve())
    })
  }
  const whenWelcome = async (before: Promise<void>, chunk: Uint8Array, to: 'stdout' | 'stderr') => {
    await before
    await transport.room()
    await push(chunk, to)
  }
  return {
    write(chunk, to = 'stdout') {
      // The echo of a key finds nobody before it, and leaves in the turn in which it came.
      last = waiting === 0 && !transport.room() ? push(chunk, to) : whenWelcome(last, chunk, to)
      waiting += 1
      const done = last.finally(() => {
        waiting -= 1
      })
      return done
    },
    get gone() {
      return gone
    },
  }
}
