import type { ClientApi } from '@gantry/shared/client-api.ts'
import { createHiddenWorld, type HiddenWorld, type Place, type Probe, probedNames, probes } from '../support/hidden-world.ts'
import { createChance, type Proof, quantile, type Row, row } from './proof.ts'

/** Mann-Whitney: beyond this many standard deviations two columns of times differ. By chance that comes once in 16,000 comparisons. */
const differs = 4

export const hidden: Proof = {
  name: 'hidden',
  title: 'What a profile hides takes as long as what is not there',
  covers: ['R073', 'T5'],
  method:
    'The main server with its real listeners; one person, signed in, over one connection. Each endpoint that can name a device, a request or a case is asked by turns, in an order drawn by chance, for one that her profile hides and for one that is not there, and the times of the answers are ranked (Mann-Whitney U). That the answers are the same octet for octet is a unit test over the same table. The control is an id of the wrong shape, which is refused before anything is looked up: the same comparison has to tell that from one that is not there.',
  limits: ['a network between, which only adds noise; many thousand questions for one device, which are in the log.'],
  async run({ quick, seed, say }) {
    const world = await createHiddenWorld()
    try {
      const chance = createChance(seed)
      const rounds = quick ? 60 : 600
      const rows: Row[] = []
      for (const name of probedNames.filter((one) => probes[one] !== 'names nothing')) {
        const { z, medians } = await compare({ world, name, rounds, chance }, world.hidden, world.absent)
        rows.push(row(`${name}: hidden against absent`, `|z| ≤ ${differs}`, `z ${z.toFixed(2)}, ${medians}`, Math.abs(z) <= differs))
        say(rows.at(-1)?.found ?? '')
      }
      const control = await compare({ world, name: 'device.show', rounds, chance }, { ...world.absent, deviceId: 'none' }, world.absent)
      const told = Math.abs(control.z) > differs
      return [
        ...rows,
        row('control, device.show: refused at the border against absent', `|z| > ${differs}`, `z ${control.z.toFixed(2)}, ${control.medians}`, told),
      ]
    } finally {
      await world.server.close()
    }
  },
}

type Comparison = { world: HiddenWorld; name: keyof ClientApi; rounds: number; chance: () => number }

async function compare({ world, name, rounds, chance }: Comparison, first: Place, second: Place) {
  const client = world.server.client(world.token)
  const probe = probes[name] as Exclude<Probe<'device.show'>, string>
  const timeOf = async (place: Place) => {
    const input = await probe(world, place)
    const startMs = performance.now()
    await client.call(name as 'device.show', input).catch(() => undefined)
    return performance.now() - startMs
  }
  const times: [number[], number[]] = [[], []]
  for (let round = -5; round < rounds; round += 1) {
    const order = chance() < 0.5 ? ([0, 1] as const) : ([1, 0] as const)
    for (const at of order) {
      const took = await timeOf(at === 0 ? first : second)
      // The first few warm up what is compiled and kept.
      if (round >= 0) times[at].push(took)
    }
  }
  const medians = `medians ${times.map((all) => `${quantile(all, 0.5).toFixed(2)} ms`).join(' and ')}, ${rounds} each`
  return { z: rankDifference(...times), medians }
}

/** By how many standard deviations the first column's ranks differ from what chance gives (normal approximation; times are as good as never equal). */
function rankDifference(first: readonly number[], second: readonly number[]): number {
  const ranked = [...first.map((value) => ({ value, own: true })), ...second.map((value) => ({ value, own: false }))].sort((a, b) => a.value - b.value)
  const ranks = ranked.reduce((sum, { own }, place) => sum + (own ? place + 1 : 0), 0)
  const [n, m] = [first.length, second.length]
  const u = ranks - (n * (n + 1)) / 2
  return (u - (n * m) / 2) / Math.sqrt((n * m * (n + m + 1)) / 12)
}
