import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../../..')

/** What vitest says of one run of bodies of `test/desktop/`. */
export type Ran = { passed: number; failed: number; skipped: number; titles: string[]; firstFailure: string | null }
type Report = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  testResults: { status: string; message: string; assertionResults: { status: string; title: string; fullName: string }[] }[]
}

export async function runBodies(
  project: 'standin' | 'electron',
  files: readonly string[],
  env: Record<string, string> = {},
  more: string[] = [],
): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-bodies-'))
  const outputFile = join(folder, 'report.json')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const argv = [
    vitest,
    'run',
    '--project',
    project,
    '--reporter',
    'json',
    '--outputFile',
    outputFile,
    ...more,
    ...files.map((file) => `test/desktop/${file}.test.ts`),
  ]
  try {
    const child = spawn(process.execPath, argv, { cwd: root, env: { ...process.env, GANTRY_WHOLE: '1', NO_COLOR: '1', ...env }, stdio: 'ignore' })
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    child.once('error', reject)
    child.once('close', () => resolve())
    await ended
    return read(JSON.parse(readFileSync(outputFile, 'utf8')) as Report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function read({ numPassedTests, numFailedTests, numPendingTests, testResults }: Report): Ran {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  // A file whose first step fails has no failed test of its own.
  const broken = testResults.filter(({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'))
  const failure = tests.find(({ status }) => status === 'failed')?.title ?? broken[0]?.message.split('\n')[0] ?? null
  const titles = tests.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName)
  return { passed: numPassedTests, failed: numFailedTests + broken.length, skipped: numPendingTests, titles, firstFailure: failure }
}
