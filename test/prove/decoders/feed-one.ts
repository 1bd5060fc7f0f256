import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feed, type Told } from '../../support/decoders/decoder.ts'
import { decoders } from '../../support/decoders/decoders.ts'

/** Feeds one decoder in a process of its own, whose memory is its own: `feed-one.ts NAME SEED MS`. Tells the number of each input before it is decoded, and at last what came of all. */
export type Message = { index: number } | { told: Told; peakRssMb: number }

const [name = '', seed, forMs] = process.argv.slice(2)
const open = decoders[name]
if (!open) throw new Error(`no decoder ${name}`)
const say = (message: Message) => void process.send?.(message)
const root = mkdtempSync(join(tmpdir(), 'decoder-'))
process.once('exit', () => rmSync(root, { recursive: true, force: true }))

const decoder = await open({ root })
// The parent needs to know only where it stood when it stopped: what is under way longer than a moment.
let saidMs = 0
const onInput = (index: number) => {
  if (performance.now() - saidMs < 100) return
  saidMs = performance.now()
  say({ index })
}
// Of the processor: what else this machine does meanwhile makes no decoder slow.
const now = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
const told = await feed(decoder, { seed: Number(seed), inputs: Number.POSITIVE_INFINITY, forMs: Number(forMs), slowMs: 1_000, now, onInput })
await decoder.close?.()
say({ told, peakRssMb: process.resourceUsage().maxRSS / 1_024 })
process.disconnect?.()
