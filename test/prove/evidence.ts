import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Proof, Row } from './proof.ts'

/** What one run of one proof found. The page of a subject is made of the newest of each; nobody edits it by hand. */
export type Finding = {
  name: string
  title: string
  covers: readonly string[]
  method: string
  limits: readonly string[]
  run: { command: string; atUtc: string; commit: string; seed: number; machine: string; loadBefore: number }
  rows: Row[]
  failure: string | null
  seconds: number
}
export type Found = Pick<Finding, 'rows' | 'failure' | 'seconds'>

const folder = join(import.meta.dirname, '../../docs/evidence')

export function describeRun(command: string, seed: number): Finding['run'] {
  const [processor] = cpus()
  const memoryGb = Math.round(totalmem() / 1_073_741_824)
  return {
    ...{ command, seed, atUtc: new Date().toISOString(), commit: commitOf() },
    machine: `${processor?.model ?? ''}, ${availableParallelism()} cores, ${memoryGb} GB, Linux ${release()}, Node ${process.version}`,
    // What else ran on these cores; more than a little of it makes every time worse.
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}

/** Where the sources are no repository there is none to name. */
function commitOf(): string {
  const git = (...argv: string[]) => spawnSync('git', argv, { cwd: join(import.meta.dirname, '../..'), encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', '--short', 'HEAD')
  if (status !== 0) return 'unknown'
  const clean = git('status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs/evidence').stdout === ''
  return clean ? stdout.trim() : `${stdout.trim()} with uncommitted changes`
}

export function findingOf({ name, title, covers, method, limits = [] }: Proof, run: Finding['run'], found: Found): Finding {
  return { name, title, covers, method, limits, run, ...found }
}

export function holds({ rows, failure }: Finding): boolean {
  return failure === null && rows.every((row) => row.holds !== false)
}

/** Replaces what an earlier run of the same proofs found, and keeps the rest. */
export function writeEvidence(subject: string, proofs: readonly Proof[], findings: readonly Finding[]): void {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${subject}.json`)
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { findings: Finding[] }).findings : []
  const newest = new Map([...before, ...findings].map((finding) => [finding.name, finding]))
  const all = proofs.flatMap(({ name }) => newest.get(name) ?? [])
  writeFileSync(path, `${JSON.stringify({ findings: all }, null, 2)}\n`)
  const missing = proofs.map(({ name }) => name).filter((name) => !newest.has(name))
  writeFileSync(join(folder, `${subject}.md`), page(subject, all, missing))
}

function page(subject: string, findings: Finding[], missing: string[]): string {
  const short = findings.filter((finding) => !holds(finding)).map(({ name }) => name)
  return [
    `# Evidence: ${subject}`,
    '',
    `Written by \`npm run prove -- ${subject}\` (\`test/prove/\`); not edited by hand. Each part names the run that it is from.`,
    '',
    short.length === 0 ? 'Every bound below holds.' : `A bound does not hold in: ${short.join(', ')}.`,
    ...(missing.length > 0 ? [`Not run yet: ${missing.join(', ')}.`] : []),
    '',
    ...findings.flatMap(section),
  ].join('\n')
}

function section({ name, title, covers, method, limits, run, rows, failure, seconds }: Finding): string[] {
  const when = `${run.atUtc.slice(0, 16).replace('T', ' ')} UTC`
  return [
    `## ${title}`,
    '',
    `\`${name}\` · ${covers.join(', ')} · ${method}`,
    '',
    ...(failure ? [`**Did not run to its end:** ${cell(failure)}`, ''] : []),
    ...(rows.length > 0 ? ['| figure | bound | found | holds |', '| --- | --- | --- | --- |', ...rows.map(line), ''] : []),
    ...limits.flatMap((limit) => [`Not shown here: ${limit}`, '']),
    `\`${run.command}\`, ${when}, ${Math.round(seconds)} s, seed ${run.seed}, commit ${run.commit}; ${run.machine}; load before it ${run.loadBefore}.`,
    '',
  ]
}

function line({ what, bound, found, holds: verdict }: Row): string {
  return `| ${cell(what)} | ${cell(bound)} | ${cell(found)} | ${verdict === null ? '–' : verdict ? 'yes' : '**no**'} |`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}
