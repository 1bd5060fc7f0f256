import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { wire } from './wire.ts'

/** After so many octets (both directions together): the wire is cut, or keeps what it is given and says nothing, in one direction or both. */
export type Fault = { after: number; how: 'cut' | 'silent' | 'silent-to-agent' | 'silent-to-client' }

const pieceBytes = 65_536

/** Two ends of a cable with something between that fails as it is told, and how many octets the client has sent. Without a fault it is a cable. */
export function faultyWire(fault: Fault | undefined): [client: Duplex, agent: Duplex, sent: () => number] {
  const [client, left] = wire()
  const [right, agent] = wire()
  let passed = 0
  let sent = 0
  const cut = () => {
    left.destroy()
    right.destroy()
  }
  /** Paced like a fast line where it will fail: that happens in the middle of what is under way, not before the other end has opened its file. */
  const carry = async (chunk: Buffer, to: Duplex, direction: 'to-agent' | 'to-client') => {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes)
      passed += piece.length
      if (direction === 'to-agent') sent += piece.length
      const failed = fault !== undefined && passed > fault.after
      if (failed && fault.how === 'cut') return cut()
      if (failed && (fault.how === 'silent' || fault.how === `silent-${direction}`)) await new Promise<never>(() => undefined)
      if (to.destroyed) return
      await new Promise<void>((resolve) => to.write(piece, () => resolve()))
      if (fault) await sleep(1)
    }
  }
  const pass = (from: Duplex, to: Duplex, direction: 'to-agent' | 'to-client') => {
    from.on('data', (chunk: Buffer) => {
      from.pause()
      void carry(chunk, to, direction).then(() => from.resume())
    })
    from.once('end', () => to.end())
    from.once('close', () => to.destroy())
    from.on('error', () => to.destroy())
  }
  pass(left, right, 'to-agent')
  pass(right, left, 'to-client')
  return [client, agent, () => sent]
}
