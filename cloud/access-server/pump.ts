import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'

export type Pumped = { bytesFromClient: number; bytesFromAgent: number; broken: boolean }

/**
 * Joins two streams until both directions have ended or one has broken; each direction ends by itself. Back-pressure passes through: what one end does not
 * take, the other is not asked for. Both streams are closed afterwards.
 */
export async function pump(client: Duplex, agent: Duplex): Promise<Pumped> {
  const result: Pumped = { bytesFromClient: 0, bytesFromAgent: 0, broken: false }
  const both = [
    carry(client, agent, (bytes) => {
      result.bytesFromClient += bytes
    }),
    carry(agent, client, (bytes) => {
      result.bytesFromAgent += bytes
    }),
  ]
  // Once one direction is broken there is nothing left for the other.
  const stop = () => {
    result.broken = true
    client.destroy()
    agent.destroy()
  }
  await Promise.all(both.map((one) => one.catch(stop)))
  client.destroy()
  agent.destroy()
  return result
}

async function carry(from: Duplex, to: Duplex, count: (bytes: number) => void): Promise<void> {
  const isSocket = from instanceof Socket
  from.on('data', (chunk: Buffer) => {
    count(chunk.length)
    const isTaken = isSocket ? to.write(chunk, (error) => !error && giveBack(chunk)) : to.write(chunk)
    if (!isTaken) from.pause()
  })
  to.on('drain', () => from.resume())
  from.once('end', () => to.end())
  await Promise.all([finished(from, { writable: false }), finished(to, { readable: false })])
}

/**
 * A socket makes a buffer for each piece that it reads, and V8 takes it for garbage to be found: for every 20 to 30 MB it walks the whole heap (decision 29). Detached, its memory is free at
 * once (ECMA-262 section 25.1.6.8). Only where the piece is the whole buffer, so that nobody else has another part of it.
 */
function giveBack({ buffer, length }: Buffer): void {
  if (length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
