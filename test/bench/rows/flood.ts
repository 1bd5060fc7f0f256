import { quantile, short } from '../statistics.ts'
import { plainFigure, type Row } from './row.ts'

/** The services' memory while a terminal prints without end, and how long a key in that terminal takes. Whoever draws is quick here: each piece counts as drawn when it comes. */
export const flood: Row = {
  name: 'flood',
  async run({ options, onDisk, say }) {
    const client = await (await onDisk()).echoing()
    const rounds = []
    for (let round = 0; round < options.rounds; round += 1) {
      const one = await client.call('flood', { bytes: options.floodMb * 1e6 })
      say(
        `round ${round + 1}: ${short(one.growthBytes / 1e6)} MB more, key p95 ${short(quantile(one.times, 0.95))} ms, ${short(options.floodMb / one.seconds)} MB/s`,
      )
      rounds.push(one)
    }
    const rate = quantile(
      rounds.map(({ seconds }) => options.floodMb / seconds),
      0.5,
    )
    const growth = rounds.map(({ growthBytes }) => growthBytes / 1e6)
    // Memory grows once; the first flood is the one that counts.
    const first = plainFigure('flood-memory', growth.slice(0, 1), (value) => `${short(value)} MB over ${options.floodMb} MB at ${short(rate)} MB/s`)
    const keys = plainFigure(
      'flood-echo',
      rounds.map(({ times }) => quantile(times, 0.95)),
      (value) => `${short(value)} ms`,
    )
    return { figures: [first, keys], samples: { growthMb: growth, seconds: rounds.map(({ seconds }) => seconds), keyMs: rounds.map(({ times }) => times) } }
  },
}
