import type { PeerTerminalCalls } from '../workers/peer-terminal.ts'
import { startWorker } from '../workers/worker.ts'
import { type Row, ratioFigure, sayMs } from './row.ts'
import { Series } from './series.ts'

/**
 * From the press on Allow at the device to the first octet of the prompt in the client, against starting `ssh` until the first octet of its prompt. Ours holds what an answer takes
 * to come back over the main server, two legs, SSH and a shell; the client runs already, as it does when a person waits for an answer.
 */
export const prompt: Row = {
  name: 'prompt',
  async run({ options, peers, onDisk, say }) {
    const gantry = await onDisk()
    const seconds = new Series()
    const names = (['reverse', 'direct', 'stunnel'] as const).filter((peer) => !peers.missing[peer])
    // The first session loads code on both sides; so does everybody's first of a day, but this is a table of medians.
    for (let round = 0; round <= options.rounds; round += 1) {
      const ours = await gantry.openSession()
      await gantry.client.call('end', undefined)
      if (round > 0) seconds.add('Gantry', ours)
      for (const peer of names) {
        const terminal = startWorker<PeerTerminalCalls>('peer-terminal.ts')
        try {
          const taken = await terminal.call('connect', { argv: ['-tt', ...peers.argv(peer)] })
          if (round > 0) seconds.add(peer, taken.seconds)
          await terminal.call('end', undefined)
        } finally {
          await terminal.stop()
        }
      }
      say(`round ${round}: ${sayMs(ours)}`)
    }
    const missing = peers.missing.reverse
    return {
      figures: [missing ? { id: 'prompt', missing } : ratioFigure('prompt', seconds.of('Gantry'), seconds.of('reverse'), sayMs)],
      samples: { seconds: seconds.all },
    }
  },
}
