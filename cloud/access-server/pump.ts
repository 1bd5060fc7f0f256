import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import { giveBackWhole } from '@gantry/shared/node/read-memory.ts'

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
  // Only a socket's pieces are nobody else's.
  const isSocket = from instanceof Socket
  from.on('data', (chunk: Buffer) => {
    count(chunk.length)
    const isTaken = isSocket ? to.write(chunk, (error) => !error && giveBackWhole(chunk)) : to.write(chunk)
    if (!isTaken) from.pause()
  })
  to.on('drain', () => from.resume())
  from.once('end', () => to.end())
  await Promise.all([finished(from, { writable: false }), finished(to, { readable: false })])
}
