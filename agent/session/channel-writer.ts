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
  /** Resolves when the leg has room. */
  room(): Promise<void>
}

const maxWaitingBytes = 1_048_576

export function createTransport(leg: { writableLength: number; destroyed: boolean } & Parameters<typeof drained>[0]): Transport {
  return {
    async room() {
      if (leg.destroyed || leg.writableLength < maxWaitingBytes) return
      await drained(leg).catch(() => undefined)
    },
  }
}

export function createChannelWriter(channel: ServerChannel, transport: Transport): ChannelWriter {
  let gone = false
  let last = Promise.resolve()
  let taken: () => void = () => undefined
  // ssh2 never calls back for a channel that was closed meanwhile.
  channel.once('close', () => {
    gone = true
    taken()
  })
  const push = async (chunk: Uint8Array, to: 'stdout' | 'stderr') => {
    await transport.room()
    if (gone || !channel.writable) return
    forgetWaiting(channel)
    const target = to === 'stdout' ? channel : channel.stderr
    await new Promise<void>((resolve) => {
      taken = resolve
      target.write(chunk, () => resolve())
    })
  }
  return {
    write(chunk, to = 'stdout') {
      last = last.then(() => push(chunk, to))
      return last
    },
    get gone() {
      return gone
    },
  }
}
