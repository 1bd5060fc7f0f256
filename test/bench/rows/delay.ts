import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settled } from '../cpu.ts'
import { connectSftp } from '../sftp.ts'
import type { DelayCalls } from '../workers/delay.ts'
import { startWorker } from '../workers/worker.ts'
import { mebibyte, type Row, ratioFigure, requireSame, sayRate } from './row.ts'
import { Series } from './series.ts'

/** A long way: our client to its access server, and sftp to the device without any relay, both through the same delay. */
const oneWayMs = 25
/** Enough that the way counts and not the few questions before and after a file; sftp takes eight seconds for it. */
const maxMib = 256
const directions = ['put', 'get'] as const

export const delay: Row = {
  name: 'delay',
  async run({ options, peers, inMemory, file, say }) {
    if (peers.missing.direct)
      return { figures: directions.map((direction) => ({ id: `${direction}-delayed`, missing: peers.missing.direct ?? '' })), samples: null }
    const gantry = await inMemory()
    const mib = Math.min(options.mib, maxMib)
    const source = file(mib)
    const back = join(source.folder, 'back', 'source.bin')
    const onDevice = join(gantry.device.filesRoot, 'source.bin')
    const rates = new Series()
    const relay = startWorker<DelayCalls>('delay.ts')
    mkdirSync(dirname(back), { recursive: true })
    try {
      const far = await relay.call('forward', { port: peers.devicePort, oneWayMs })
      const client = await gantry.openBehind(async (port) => (await relay.call('forward', { port, oneWayMs })).port)
      const ours = (direction: 'put' | 'get') =>
        client.call('transfer', { direction, ...(direction === 'put' ? { from: source.path, to: '/' } : { from: '/source.bin', to: dirname(back) }) })
      await ours('put')
      for (let round = 0; round < options.rounds; round += 1) {
        for (const direction of directions) {
          rates.add(`Gantry ${direction}`, (mib * mebibyte) / (await ours(direction)).seconds)
          await requireSame(direction === 'put' ? onDevice : back, source.path, `Gantry ${direction}`)
          await settled(gantry.roots().agent)
          const sftp = await connectSftp(peers.argv('direct', '-o', `Port=${far.port}`))
          try {
            const taken = direction === 'put' ? await sftp.put(source.path, back) : await sftp.get(source.path, back)
            rates.add(`direct ${direction}`, (mib * mebibyte) / taken)
            await requireSame(back, source.path, `direct ${direction}`)
          } finally {
            await sftp.close()
          }
          rmSync(back)
        }
        say(
          `round ${round + 1}: ${Object.keys(rates.all)
            .map((key) => `${key} ${sayRate(rates.last(key))}`)
            .join(', ')}`,
        )
      }
    } finally {
      await relay.stop()
      rmSync(onDevice, { force: true })
    }
    return {
      figures: directions.map((direction) => ratioFigure(`${direction}-delayed`, rates.of(`Gantry ${direction}`), rates.of(`direct ${direction}`), sayRate)),
      samples: { oneWayMs, mib, bytesPerSecond: rates.all },
    }
  },
}
