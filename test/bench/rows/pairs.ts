import type { Duplex } from 'node:stream'
import { createDialler } from '../../../shared/node/dial.ts'
import { openLeg } from '../../../shared/node/leg.ts'
import { signingKeyFrom } from '../../../shared/node/signing.ts'
import type { Side } from '../../../shared/ticket.ts'
import { slope } from '../statistics.ts'
import type { AccessServerCalls } from '../workers/access-server.ts'
import { startWorker } from '../workers/worker.ts'
import { plainFigure, type Row } from './row.ts'

/** An access server of its own and idle session pairs, each of two connections. What one costs is the slope, so what the process itself needs is no part of it. */
const steps = 5

export const pairs: Row = {
  name: 'pairs',
  async run({ options, say }) {
    const server = startWorker<AccessServerCalls>('access-server.ts', { flags: ['--expose-gc'] })
    const legs: Duplex[] = []
    try {
      const { ref, ca, sessionKey, deviceKey } = await server.call('start', undefined)
      const dial = createDialler({ ca })
      const keys = { client: signingKeyFrom(sessionKey), agent: signingKeyFrom(deviceKey) }
      const open = async (count: number) => {
        for (const { text: ticket, payload } of await server.call('tickets', { count })) {
          const side = (name: Side) => openLeg({ server: ref, dial, ticket, ticketId: payload.id, side: name, leg: 'control-1', epoch: 1, key: keys[name] })
          legs.push(...(await Promise.all([side('client'), side('agent')])))
        }
      }
      // The first fifty make room that later ones use.
      await open(50)
      const points = [{ x: 0, y: (await server.call('memory', undefined)).bytes }]
      const perStep = Math.ceil(options.pairs / steps)
      for (let step = 1; step <= steps; step += 1) {
        await open(perStep)
        points.push({ x: step * perStep, y: (await server.call('memory', undefined)).bytes })
      }
      for (const leg of legs) if (leg.destroyed) throw new Error('a leg was closed meanwhile')
      const kib = slope(points) / 1_024
      say(`${kib.toFixed(0)} KiB per pair over ${perStep * steps}`)
      return {
        figures: [plainFigure('pair-memory', [kib], (value) => `${value.toFixed(0)} KiB over ${perStep * steps} pairs`)],
        samples: { residentBytes: points },
      }
    } finally {
      for (const leg of legs) leg.destroy()
      await server.call('close', undefined).catch(() => undefined)
      await server.stop()
    }
  },
}
