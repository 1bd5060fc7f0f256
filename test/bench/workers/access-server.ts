import { setTimeout as sleep } from 'node:timers/promises'
import { privatePem } from '../../../shared/node/signing.ts'
import { type LegWorld, startLegWorld } from '../../support/access-server.ts'
import { residentBytes } from '../cpu.ts'
import { serveCalls } from './worker.ts'

/** An access server alone, and tickets for it. To be started with `--expose-gc`, or what is counted would be garbage. */
let world: LegWorld

export type AccessServerCalls = typeof calls
const calls = {
  async start() {
    world = await startLegWorld()
    const { ref, ca, sessionKey, deviceKey } = world
    return { ref, ca, sessionKey: privatePem(sessionKey), deviceKey: privatePem(deviceKey) }
  },
  async tickets({ count }: { count: number }) {
    return Promise.all(Array.from({ length: count }, () => world.ticket()))
  },
  async memory() {
    for (let round = 0; round < 4; round += 1) {
      globalThis.gc?.()
      await sleep(100)
    }
    return { bytes: residentBytes(process.pid) }
  },
  async close() {
    await world.close()
  },
}
serveCalls(calls)
