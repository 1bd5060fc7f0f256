import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Proof, Row } from './proof.ts'

/** What a run found, as JSON and as the page that is made from it. Nobody edits either by hand. */
export type Finding = {
  name: string
  title: string
  covers: readonly string[]
  method: string
  limits: readonly string[]
  rows: Row[]
  failure: string | null
  seconds: number
}
export type Evidence = {
  command: string
  atUtc: string
  commit: string
  seed: number
  quick: boolean
  machine: { processor: string; cores: number; memoryGb: number; kernel: string; node: string }
  findings: Finding[]
}
const folder = join(import.meta.dirname, '../../docs/evidence')

export function describeRun(command: string, seed: number, quick: boolean): Omit<Evidence, 'findings'> {
  return {
    ...{ command, seed, quick, atUtc: new Date().toISOString(), commit: commitOf() },
    machine: {
      processor: cpus()[0]?.model ?? '',
      cores: availableParallelism(),
      memoryGb: Math.round(totalmem() / 1_073_741_824),
      kernel: release(),
      node: process.version,
    },
  }
}

/** Where the sources are no repository there is none to name. */
function commitOf(): string {
  const git = (...argv: string[]) => spawnSync('git', argv, { cwd: import.meta.dirname, encoding: 'utf8' })
  const { status, stdout } = git('rev-parse', '--short', 'HEAD')
  if (status !== 0) return 'unknown'
  return git('status', '--porcelain', '--untracked-files=no').stdout === '' ? stdout.trim() : `${stdout.trim()} with uncommitted changes`
}

export function findingOf({ name, title, covers, method, limits = [] }: Proof, found: Pick<Finding, 'rows' | 'failure' | 'seconds'>): Finding {
  return { name, title, covers, method, limits, ...found }
}

export function holds({ rows, failure }: Finding): boolean {
  return failure === null && rows.every((row) => row.holds !== false)
}

export function writeEvidence(subject: string, evidence: Evidence): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${subject}.json`), `${JSON.stringify(evidence, null, 2)}\n`)
  writeFileSync(join(folder, `${subject}.md`), page(subject, evidence))
}

function page(subject: string, { command, atUtc, commit, seed, quick, machine, findings }: Evidence): string {
  const short = findings.filter((finding) => !holds(finding))
  return [
    `# Evidence: ${subject}`,
    '',
    `Written by \`${command}\` on ${atUtc.slice(0, 16).replace('T', ' ')} UTC, seed ${seed}, commit ${commit}. Not edited by hand.`,
    ...(quick ? ['**A quick run: its numbers are cut down.**'] : []),
    `Machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}.`,
    '',
    short.length === 0 ? 'Every bound holds.' : `Falls short: ${short.map(({ name }) => name).join(', ')}.`,
    '',
    ...findings.flatMap(section),
  ].join('\n')
}

function section({ name, title, covers, method, limits, rows, failure, seconds }: Finding): string[] {
  return [
    `## ${title}`,
    '',
    `\`${name}\` · ${covers.join(', ')} · ${Math.round(seconds)} s. ${method}`,
    '',
    ...(failure ? [`**Did not run to its end:** ${cell(failure)}`, ''] : []),
    ...(rows.length > 0 ? ['| figure | bound | found | holds |', '| --- | --- | --- | --- |', ...rows.map(line), ''] : []),
    ...limits.map((limit) => `Not shown here: ${limit}`),
    ...(limits.length > 0 ? [''] : []),
  ]
}

function line({ what, bound, found, holds: verdict }: Row): string {
  return `| ${cell(what)} | ${cell(bound)} | ${cell(found)} | ${verdict === null ? '–' : verdict ? 'yes' : '**no**'} |`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}
