import { type Roots, watchCpu } from '../cpu.ts'
import { quantile } from '../statistics.ts'
import type { PeerTerminalCalls } from '../workers/peer-terminal.ts'
import { startWorker, type Worker } from '../workers/worker.ts'
import { type Row, ratioFigure, sayMs } from './row.ts'
import { Series } from './series.ts'

/**
 * A key to its echo: written to and read from a terminal by the same code in a process of its own. With OpenSSH that is a pseudo-terminal with `ssh` on it, as a terminal
 * window has it; with us it is the services' terminal, as the window has it. The far end is `cat` behind a raw terminal for all.
 */
const names = ['reverse', 'direct', 'stunnel'] as const
const upToMs = 4
type Terminals = Record<string, { type(): Promise<number[]>; roots: Roots }>

export const echo: Row = {
  name: 'echo',
  async run({ options, peers, onDisk, say }) {
    const gantry = await onDisk()
    const seconds = new Series()
    const cpu = new Series()
    const typing = { keys: options.keys, upToMs }
    const client = await gantry.echoing()
    const terminals: Terminals = { Gantry: { type: () => client.call('type', typing), roots: gantry.roots() } }
    const workers: Worker<PeerTerminalCalls>[] = []
    try {
      for (const peer of names) {
        if (peers.missing[peer]) continue
        const worker = startWorker<PeerTerminalCalls>('peer-terminal.ts')
        workers.push(worker)
        terminals[peer] = { type: () => worker.call('type', typing), roots: { ...peers.roots, terminal: worker.pid } }
        await worker.call('connect', { argv: ['-tt', ...peers.argv(peer)] })
        await worker.call('startEcho', undefined)
      }
      // Round 0 warms up.
      for (let round = 0; round <= options.rounds; round += 1) {
        for (const [name, { type, roots }] of Object.entries(terminals)) {
          const stop = watchCpu(roots)
          const times = await type()
          const spent = stop()
          if (round === 0) continue
          for (const q of [50, 90, 99]) seconds.add(`${name} p${q}`, quantile(times, q / 100) / 1_000)
          seconds.add(`${name} longest`, Math.max(...times) / 1_000)
          for (const [part, one] of Object.entries(spent)) cpu.add(`${name}: ${part}`, (one * 1e6) / options.keys)
        }
        const told = Object.keys(terminals).map((name) => `${name} ${sayMs(seconds.last(`${name} p50`))} / ${sayMs(seconds.last(`${name} p99`))}`)
        if (round > 0) say(`round ${round}: ${told.join(', ')}`)
      }
    } finally {
      for (const worker of workers) await worker.stop()
    }
    const missing = peers.missing.reverse
    return {
      figures: ['p50', 'p99'].map((q) =>
        missing ? { id: `echo-${q}`, missing } : ratioFigure(`echo-${q}`, seconds.of(`Gantry ${q}`), seconds.of(`reverse ${q}`), sayMs),
      ),
      samples: { keysPerRound: options.keys, seconds: seconds.all, cpuMicrosecondsPerKey: cpu.all },
    }
  },
}
