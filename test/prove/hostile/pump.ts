import { type Duplex, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/**
 * What a hostile access server puts in the place of `cloud/access-server/pump.ts`: it joins two legs like the real one, and strikes once, at a byte that was chosen
 * beforehand. All it has is what any relay has: ciphertext that passes through its hands.
 */
export type Blow = 'flip' | 'reorder' | 'truncate' | 'splice'
export const blows: readonly Blow[] = ['flip', 'reorder', 'truncate', 'splice']

type Armed = { blow: Blow; from: 'client' | 'agent'; afterBytes: number; chance: () => number }
const state: { armed: Armed | null; struck: number; joined: number; heard: Buffer } = { armed: null, struck: 0, joined: 0, heard: Buffer.alloc(0) }

/** The next bytes of that direction are altered once so many have passed. */
export function arm(armed: Armed | null): void {
  state.armed = armed
}

/** How often it has struck, and how many legs it has joined: that it was in place at all. */
export function told(): { struck: number; joined: number } {
  return { struck: state.struck, joined: state.joined }
}

export async function pump(client: Duplex, agent: Duplex): Promise<{ bytesFromClient: number; bytesFromAgent: number; broken: boolean }> {
  state.joined += 1
  for (const stream of [client, agent]) stream.setMaxListeners(30)
  const ends = await Promise.allSettled([pipeline(client, tampering('client'), agent), pipeline(agent, tampering('agent'), client)])
  client.destroy()
  agent.destroy()
  return { bytesFromClient: 0, bytesFromAgent: 0, broken: ends.some(({ status }) => status === 'rejected') }
}

function tampering(from: 'client' | 'agent'): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { armed } = state
      if (armed?.from !== from) return done(null, chunk)
      armed.afterBytes -= chunk.length
      if (armed.afterBytes > 0) {
        if (chunk.length > state.heard.length / 2) state.heard = Buffer.from(chunk)
        return done(null, chunk)
      }
      state.armed = null
      state.struck += 1
      done(null, strike(chunk, armed))
    },
  })
}

function strike(chunk: Buffer, { blow, chance }: Armed): Buffer {
  const at = Math.floor(chance() * chunk.length)
  const length = 1 + Math.floor(chance() * Math.min(64, chunk.length))
  if (blow === 'flip') {
    const changed = Buffer.from(chunk)
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
    return changed
  }
  if (blow === 'truncate') return Buffer.concat([chunk.subarray(0, at), chunk.subarray(at + length)])
  // Two neighbours change places; where they happen to be equal the last byte falls out, or nothing at all would have happened.
  if (blow === 'reorder') {
    const [one, two] = [chunk.subarray(at, at + length), chunk.subarray(at + length, at + 2 * length)]
    const swapped = Buffer.concat([chunk.subarray(0, at), two, one, chunk.subarray(at + one.length + two.length)])
    return swapped.equals(chunk) ? chunk.subarray(0, -1) : swapped
  }
  // Bytes of an earlier moment, maybe of another session.
  const heard = state.heard.length > 0 ? state.heard : chunk
  const piece = heard.subarray(Math.floor(chance() * heard.length)).subarray(0, length * 16)
  return Buffer.concat([chunk.subarray(0, at), piece.length > 0 ? piece : Buffer.from([0]), chunk.subarray(at)])
}
