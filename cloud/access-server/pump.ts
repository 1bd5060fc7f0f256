import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export type Pumped = { bytesFromClient: number; bytesFromAgent: number; broken: boolean }

/**
 * Joins two streams until both directions have ended or one has broken; each direction ends by itself. Back-pressure passes through: what one end does not
 * take, the other is not asked for. Both streams are closed afterwards.
 */
export async function pump(client: Duplex, agent: Duplex): Promise<Pumped> {
  const result: Pumped = { bytesFromClient: 0, bytesFromAgent: 0, broken: false }
  // Two pipelines listen to each stream, more than the ten that Node takes for a leak.
  for (const stream of [client, agent]) stream.setMaxListeners(30)
  const both = [pipeline(client, agent), pipeline(agent, client)]
  client.on('data', (chunk: Buffer) => {
    result.bytesFromClient += chunk.length
  })
  agent.on('data', (chunk: Buffer) => {
    result.bytesFromAgent += chunk.length
  })
  const ends = await Promise.allSettled(both)
  result.broken = ends.some((end) => end.status === 'rejected')
  client.destroy()
  agent.destroy()
  return result
}
