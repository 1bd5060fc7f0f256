import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { settled } from '../cpu.ts'
import { connectSftp } from '../sftp.ts'
import { quantile, short } from '../statistics.ts'
import type { PeerTerminalCalls } from '../workers/peer-terminal.ts'
import { startWorker } from '../workers/worker.ts'
import { mebibyte, type Row, ratioFigure, requireSame, sayMs, sayRate } from './row.ts'
import { Series } from './series.ts'

/** Typing while a file comes from the device: our terminal beside our files leg, `ssh` beside `sftp` over the same tunnel. Keys are typed for as long as the transfer lasts. */
const upToMs = 10

export const busy: Row = {
  name: 'busy',
  async run({ options, peers, inMemory, file, say }) {
    const gantry = await inMemory()
    const client = await gantry.echoing()
    const source = file(options.mib)
    const [onDevice, back] = [join(gantry.device.filesRoot, 'source.bin'), join(source.folder, 'back', 'source.bin')]
    mkdirSync(dirname(back), { recursive: true })
    const seconds = new Series()
    const rates = new Series()
    const note = (name: string, times: number[], taken: number) => {
      for (const q of [50, 95, 99]) seconds.add(`${name} p${q}`, quantile(times, q / 100) / 1_000)
      seconds.add(`${name} keys`, times.length)
      rates.add(name, (options.mib * mebibyte) / taken)
    }
    await client.call('transfer', { direction: 'put', from: source.path, to: '/' })
    const terminal = peers.missing.reverse ? null : startWorker<PeerTerminalCalls>('peer-terminal.ts')
    try {
      await terminal?.call('connect', { argv: ['-tt', ...peers.argv('reverse')] })
      await terminal?.call('startEcho', undefined)
      for (let round = 0; round < options.rounds; round += 1) {
        const ours = await client.call('typeDuring', { direction: 'get', from: '/source.bin', to: dirname(back), upToMs })
        note('Gantry', ours.times, ours.seconds)
        await requireSame(back, source.path, 'Gantry get')
        await settled(gantry.roots().agent)
        if (terminal) {
          const sftp = await connectSftp(peers.argv('reverse'))
          const typing = terminal.call('typeOn', { upToMs })
          const taken = await sftp.get(source.path, back).finally(() => terminal.call('stopTyping', undefined))
          note('reverse', await typing, taken)
          await sftp.close()
          await requireSame(back, source.path, 'reverse get')
        }
        rmSync(back)
        say(
          `round ${round + 1}: ${sayMs(seconds.last('Gantry p95'))} at ${sayRate(rates.last('Gantry'))}, reverse ${sayMs(seconds.last('reverse p95'))} at ${sayRate(rates.last('reverse'))}`,
        )
      }
    } finally {
      await terminal?.stop()
      rmSync(onDevice, { force: true })
    }
    const missing = peers.missing.reverse
    const figure = missing ? null : ratioFigure('echo-busy', seconds.of('Gantry p95'), seconds.of('reverse p95'), sayMs)
    const faster = (name: string) => ` at ${short(quantile(rates.of(name), 0.5) / 1e6)} MB/s`
    return {
      figures: [
        figure ? { ...figure, ours: figure.ours + faster('Gantry'), theirs: figure.theirs + faster('reverse') } : { id: 'echo-busy', missing: missing ?? '' },
      ],
      samples: { seconds: seconds.all, bytesPerSecond: rates.all },
    }
  },
}
