import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Told } from '../support/decoders/decoder.ts'
import { decoders as all } from '../support/decoders/decoders.ts'
import type { Message } from './decoders/feed-one.ts'
import { milliseconds, type Proof, type Row, row } from './proof.ts'

export const decoders: Proof = {
  name: 'decoders',
  title: 'Whatever comes in is read, or refused by a code',
  covers: ['D23'],
  method:
    'Each decoder of the product, called where it stands at a border, is fed what chance makes of examples that the product’s own encoders wrote: bits flipped, cut, joined, doubled, lengths at their bounds, JSON that nobody expects (`__proto__`, depth, numbers beyond all bounds, lone surrogates), the same inside of what is signed, and mere chance. Three minutes of the processor each, in a process of its own with a heap of 96 MiB. Anything but a result or a code of the catalogue is a fault: another error, one that nobody catches, an answer `internal`, an input that takes over 1 s of the processor, a changed prototype. The seed and an index give an input again (`inputAt`), up to the keys that its example was signed with.',
  limits: [
    'own generators instead of jsfuzz and zzuf: they know the formats, but no coverage guides them.',
    'a CRM’s reply: cases come from no other system here, so there is no such decoder; and the WebSocket of the browser host, which is for development.',
  ],
  async run({ quick, seed, say }) {
    const forMs = quick ? 5_000 : 180_000
    const names = Object.keys(all)
    const rows = new Map<string, Row[]>()
    const work = async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        const rowsOfOne = await tryOne(name, { seed, forMs })
        for (const { found } of rowsOfOne) say(`${name}: ${found}`)
        rows.set(name, rowsOfOne)
      }
    }
    await Promise.all(Array.from({ length: availableParallelism() }, work))
    return Object.keys(all).flatMap((name) => rows.get(name) ?? [])
  },
}

const maxRssMb = 256
const stillMs = 60_000

async function tryOne(name: string, how: { seed: number; forMs: number }): Promise<Row[]> {
  const { failure, told, peakRssMb } = await feedApart(name, how)
  if (failure !== null || !told) return [row(`${name}: runs to its end`, 'yes', failure ?? '', false)]
  const { inputs, outcomes, faults, faultCount, slowestMs } = told
  const accepted = outcomes.accepted ?? 0
  const refused = Object.entries(outcomes).filter(([outcome]) => outcome !== 'accepted' && outcome !== 'fault')
  const refusedCount = refused.reduce((sum, [, count]) => sum + count, 0)
  const found = faults.map(({ index, kind, what }) => `input ${index} (${kind}): ${what}`)
  return [
    row(
      `${name}: accepted, and refused by a code`,
      'both',
      `${accepted} and ${refusedCount} (${refused.length} codes) of ${inputs}`,
      accepted > 0 && refusedCount > 0,
    ),
    row(`${name}: other errors, inputs over 1 s, changed prototypes`, '0', [faultCount, ...found].join('; '), faultCount === 0),
    row(
      `${name}: slowest input, peak of memory`,
      `1 s, ${maxRssMb} MiB RSS`,
      `${milliseconds(slowestMs)}, ${Math.round(peakRssMb)} MiB`,
      slowestMs <= 1_000 && peakRssMb <= maxRssMb,
    ),
  ]
}

/** One that stands still is stopped, and the input that it stood at is told. */
async function feedApart(name: string, { seed, forMs }: { seed: number; forMs: number }) {
  const execArgv = ['--max-old-space-size=96', '--max-semi-space-size=4']
  const child = fork(join(import.meta.dirname, 'decoders/feed-one.ts'), [name, String(seed), String(forMs)], { execArgv })
  // It tells where it is ten times a second, and is slow by then if an input takes a second.
  const timer = setTimeout(() => child.kill('SIGKILL'), stillMs)
  let index = 0
  const found: { told: Told | null; peakRssMb: number } = { told: null, peakRssMb: 0 }
  child.on('message', (message: Message) => {
    timer.refresh()
    if ('told' in message) Object.assign(found, message)
    else index = message.index
  })
  const { promise, resolve } = Promise.withResolvers<string>()
  child.once('exit', (code, signal) => resolve(String(signal ?? code)))
  const end = await promise
  clearTimeout(timer)
  return { ...found, failure: found.told && end === '0' ? null : `ended with ${end} at input ${index} or soon after` }
}
