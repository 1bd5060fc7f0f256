import { corpus } from '../../support/hostile-terminal/corpus.ts'
import { closeBrowser } from '../../window/support/open-window.ts'
import { openWatched, type Watched } from '../../window/support/watched-terminal.ts'
import { createChance, type Proof, type Row, row } from '../proof.ts'
import { createNoise } from './noise.ts'

const fuzzMinutes = Number(process.env.GANTRY_FUZZ_MINUTES ?? 10)
/** As much as a device may be ahead of what is drawn (`drawLimits`). */
const chunkCharacters = 98_304
const looksEveryMs = 5_000
const megabyte = 1_000_000

export const terminal: Proof = {
  name: 'terminal',
  title: 'Whatever a device prints, it reaches nothing but its own screen, and the terminal can be brought back',
  covers: ['D19', 'T10'],
  method:
    'The built window in Chromium, over the browser host and its content policy, a session open. Every function by which a page reaches its surroundings (clipboard, title, windows, links, notices, sound, requests) tells when it is called; what goes back to the device is compared with the three answers that are allowed. Each sequence of the corpus is printed, looked at, and followed by the button that resets the display; then text, line drawing, tabs, wrapping, the cursor and a key must be as in a new terminal. Then noise: sequences of the corpus cut and spliced, others made up by chance, text. GANTRY_FUZZ_MINUTES changes for how long (10).',
  limits: ['WebGL drawing: this Chromium has none, xterm draws in the DOM here.'],
  async run({ quick, seed, say }) {
    try {
      return [...(await corpusRows(say)), ...(await noiseRows(seed, quick ? 20_000 : fuzzMinutes * 60_000, say))]
    } finally {
      await closeBrowser()
    }
  },
}

async function corpusRows(say: (line: string) => void): Promise<Row[]> {
  const watched = await openWatched()
  const rows: Row[] = []
  let total = 0
  for (const { tries, sequences } of corpus) {
    const bad: string[] = []
    for (const [what, octets] of sequences) {
      await watched.print(octets)
      const found = await watched.breaches()
      await watched.reset()
      const state = await watched.looksRestored()
      if (found.length > 0 || state !== 'restored') bad.push(`${what}: ${[...found, state].join('; ')}`)
    }
    total += sequences.length
    say(`${tries}: ${sequences.length}, ${bad.length} bad`)
    rows.push(
      row(
        `tries ${tries}`,
        'nothing left, restored',
        `${sequences.length - bad.length} of ${sequences.length}${bad[0] ? `; ${bad[0]}` : ''}`,
        bad.length === 0,
      ),
    )
  }
  rows.unshift(row('sequences in the corpus', '≥ 200', String(total), total >= 200))
  rows.push(row('clipboard after all of them', 'as the person left it', await clipboardOf(watched), (await clipboardOf(watched)) === 'unchanged'))
  await watched.close()
  return rows
}

async function noiseRows(seed: number, forMs: number, say: (line: string) => void): Promise<Row[]> {
  const watched = await openWatched({ runningClock: true })
  const noise = createNoise(createChance(seed))
  const cost = await openMeter(watched)
  const before = await cost()
  const start = performance.now()
  let sent = 0
  let printingMs = 0
  let longestMs = 0
  let resets = 0
  let nextLook = looksEveryMs
  const found: string[] = []
  let chunk = noise(chunkCharacters)
  while (performance.now() - start < forMs) {
    const at = performance.now()
    const isTaken = watched.feed(chunk)
    sent += Buffer.byteLength(chunk)
    chunk = noise(chunkCharacters)
    await isTaken
    const tookMs = performance.now() - at
    printingMs += tookMs
    longestMs = Math.max(longestMs, tookMs)
    if (performance.now() - start < nextLook) continue
    nextLook += looksEveryMs
    const drainedAt = performance.now()
    await watched.print('')
    printingMs += performance.now() - drainedAt
    found.push(...(await watched.breaches()))
    await watched.reset()
    const state = await watched.looksRestored()
    if (state !== 'restored') found.push(state)
    resets += 1
    if (resets % 6 === 0) say(`${Math.round(sent / megabyte)} MB, ${(sent / megabyte / (printingMs / 1_000)).toFixed(2)} MB/s, ${found.length} bad`)
  }
  await watched.print('')
  const seconds = (performance.now() - start) / 1_000
  const after = await cost()
  const grownMb = (after.heap - before.heap) / megabyte
  const clipboard = await clipboardOf(watched)
  await watched.close()
  const rate = sent / megabyte / (printingMs / 1_000)
  return [
    row('noise', forMs >= 600_000 ? '10 min' : '–', `${(seconds / 60).toFixed(1)} min, ${Math.round(sent / megabyte)} MB`, forMs >= 600_000 ? true : null),
    row('its rate while it is printed', '≥ 1 MB/s', `${rate.toFixed(2)} MB/s`, rate >= 1),
    row('… for each second that a processor worked for the page', '–', `${(sent / megabyte / (after.seconds - before.seconds)).toFixed(2)} MB`, null),
    row(
      'what left the terminal, or stayed broken after a reset',
      'nothing',
      found[0] ? `${found.length}; first: ${found[0]}` : `nothing, ${resets} looks and resets`,
      found.length === 0,
    ),
    row('clipboard after it', 'as the person left it', clipboard, clipboard === 'unchanged'),
    row('heap of the page after it', '≤ +100 MB', `${grownMb.toFixed(1)} MB`, grownMb <= 100),
    row('longest that 98,304 characters took', '–', `${Math.round(longestMs)} ms`, null),
  ]
}

async function clipboardOf({ window }: Watched): Promise<string> {
  return (await window.page.evaluate('own_readText()')) === 'what the person copied' ? 'unchanged' : 'changed'
}

/** `heap` after a collection, in octets; `seconds` that a processor has worked for the page's main thread. */
async function openMeter({ window }: Watched): Promise<() => Promise<{ heap: number; seconds: number }>> {
  const inspector = await window.page.context().newCDPSession(window.page)
  await inspector.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => {
    await inspector.send('HeapProfiler.collectGarbage')
    const { usedSize } = await inspector.send('Runtime.getHeapUsage')
    const { metrics } = await inspector.send('Performance.getMetrics')
    return { heap: usedSize, seconds: metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN }
  }
}
