import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { root, run } from '../e2e/support/sandbox.ts'
import { figureRows, type RowName } from './figures.ts'
import { type Gantry, memoryFolder, startGantry } from './gantry.ts'
import { parseOptions } from './options.ts'
import { startPeers } from './peers.ts'
import { busy } from './rows/busy.ts'
import { delay } from './rows/delay.ts'
import { echo } from './rows/echo.ts'
import { files } from './rows/files.ts'
import { flood } from './rows/flood.ts'
import { openssh } from './rows/openssh.ts'
import { pairs } from './rows/pairs.ts'
import { prompt } from './rows/prompt.ts'
import { resume } from './rows/resume.ts'
import { type Row, type World, writeRandom } from './rows/row.ts'
import { window } from './rows/window.ts'
import { document, figureLines, type Report, withMeasured } from './table.ts'

/**
 * `npm run bench`: what a person waits for, through the whole system in real processes, each figure against what that person would use instead, measured in turns on the
 * same machine. A table on stderr, one JSON document on stdout; `--write` puts the table into docs/performance.md.
 */
const rows: Record<RowName, Row> = { prompt, echo, flood, resume, files, delay, openssh, busy, pairs, window }

const options = parseOptions(process.argv.slice(2))
const page = join(root, 'docs/performance.md')
const started = performance.now()
const seconds = () => (performance.now() - started) / 1_000
const say = (text: string) => console.error(`${seconds().toFixed(0).padStart(4)} s  ${text}`)
const folders = { memory: memoryFolder(options.mib), disk: mkdtempSync(join(tmpdir(), 'gantry-bench-')) }
const gantries: Partial<Record<'disk' | 'memory', Promise<Gantry>>> = {}
const peers = await startPeers(join(folders.disk, 'peers'))
// Also when it is broken off: servers of its own and files in memory are left to nobody. The sandbox and the workers end with this process.
process.once('exit', () => {
  peers.close()
  for (const folder of Object.values(folders)) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const report: Report = {
  machine: await describeMachine(),
  command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
  date: new Date().toISOString().slice(0, 10),
  seconds: 0,
  ...{ rounds: options.rounds, mib: options.mib },
  ...{ figures: [], cpu: {}, samples: {} },
}
const sources: Record<number, ReturnType<World['file']>> = {}
const world: World = {
  ...{ options, peers, say },
  onDisk: () => gantry('disk'),
  inMemory: () => gantry('memory'),
  file(mib) {
    sources[mib] ??= makeFile(mib)
    return sources[mib]
  },
}
try {
  for (const name of options.rows) {
    say(name)
    const { figures, samples, cpu } = await rows[name].run(world)
    const unknown = figures.find(({ id }) => !figureRows.some((one) => one.id === id && one.row === name))
    if (unknown) throw new Error(`${name} measured ${unknown.id}, which is no figure of that row`)
    report.figures.push(...figures)
    report.samples[name] = samples
    Object.assign(report.cpu, cpu)
  }
  report.seconds = Math.round(seconds())
  console.error(`\n${figureLines(report.figures).join('\n')}\n`)
  console.log(JSON.stringify(report, null, 2))
  if (options.write) writeFileSync(page, withMeasured(readFileSync(page, 'utf8'), document(report)))
} finally {
  for (const one of Object.values(gantries)) await one.then((gantry) => gantry.close()).catch((error: unknown) => console.error(error))
  // Or their processes would keep this one.
  peers.close()
}

/** One at a time: the polls and pages of a second one would be measured with the first. */
async function gantry(where: 'disk' | 'memory'): Promise<Gantry> {
  const other = where === 'disk' ? 'memory' : 'disk'
  const running = gantries[other]
  delete gantries[other]
  await (await running)?.close()
  gantries[where] ??= startGantry(mkdtempSync(join(folders[where], 'sandbox-')))
  return gantries[where]
}

function makeFile(mib: number) {
  const folder = mkdtempSync(join(folders.memory, 'files-'))
  const path = join(folder, 'source.bin')
  writeRandom(path, mib)
  return { path, folder }
}

async function describeMachine(): Promise<Report['machine']> {
  const { stderr } = await run(['ssh', '-V'], { input: '' }).done
  const inMemory = statSync(folders.memory).dev !== statSync(folders.disk).dev
  return {
    processor: cpus()[0]?.model.trim() ?? '',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `Linux ${release()}`,
    node: process.version,
    openSsh: stderr.trim().split(',')[0] ?? '',
    files: inMemory ? 'tmpfs' : 'disk',
  }
}
