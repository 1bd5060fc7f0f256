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

export const echo: Row = {
  name: 'echo',
  async run({ options, peers, onDisk, say }) {
    const client = await (await onDisk()).echoing()
    const terminals: Partial<Record<(typeof names)[number], Worker<PeerTerminalCalls>>> = {}
    const seconds = new Series()
    try {
      for (const peer of names) {
        if (peers.missing[peer]) continue
        const terminal = startWorker<PeerTerminalCalls>('peer-terminal.ts')
        terminals[peer] = terminal
        await terminal.call('connect', { argv: ['-tt', ...peers.argv(peer)] })
        await terminal.call('startEcho', undefined)
      }
      // Round 0 warms up.
      for (let round = 0; round <= options.rounds; round += 1) {
        const typed = {
          Gantry: () => client.call('type', { keys: options.keys, upToMs }),
          ...Object.fromEntries(Object.entries(terminals).map(([peer, terminal]) => [peer, () => terminal.call('type', { keys: options.keys, upToMs })])),
        }
        for (const [name, type] of Object.entries(typed)) {
          const times = (await type()).map((ms) => ms / 1_000)
          if (round === 0) continue
          for (const q of [50, 90, 99]) seconds.add(`${name} p${q}`, quantile(times, q / 100))
          seconds.add(`${name} longest`, Math.max(...times))
        }
        if (round > 0)
          say(
            `round ${round}: ${Object.keys(typed)
              .map((name) => `${name} ${sayMs(seconds.last(`${name} p50`))} / ${sayMs(seconds.last(`${name} p99`))}`)
              .join(', ')}`,
          )
      }
    } finally {
      for (const terminal of Object.values(terminals)) await terminal.stop()
    }
    const missing = peers.missing.reverse
    return {
      figures: ['p50', 'p99'].map((q) =>
        missing ? { id: `echo-${q}`, missing } : ratioFigure(`echo-${q}`, seconds.of(`Gantry ${q}`), seconds.of(`reverse ${q}`), sayMs),
      ),
      samples: { keysPerRound: options.keys, seconds: seconds.all },
    }
  },
}
