import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Proof, type Row, row } from '../proof.ts'
import { root } from './run-bodies.ts'

const tool = '@doyensec/electronegativity'
const version = '1.10.3'
const scanned = ['main', 'preload', 'renderer'] as const
type Issue = { id: string; file: string; location: { line: number }; severity: { name: string }; confidence: { name: string } }
type Report = { atomicChecks: number; globalChecks: number; errors: { file: string }[]; issues: Issue[] }
const runFile = promisify(execFile)

export const electronegativity: Proof = {
  name: 'electronegativity',
  title: 'An outside scanner for Electron finds nothing high in the desktop client',
  covers: ['R118', 'T11'],
  method: `${tool} ${version}, installed without its scripts into a folder of its own, reads the sources of \`main/\`, \`preload/\` and \`renderer/\` without their tests. To see that it would speak up, it reads a copy in which page and bridge share a world, and one whose page has a frame with Node.`,
  limits: [
    'the tool’s check of Electron’s own security fixes, which asks GitHub.',
    'what it cannot follow: the page’s policy, which is a header that the page protocol adds, it does not see (CSP_GLOBAL_CHECK); `test/desktop/checklist.test.ts` asks the running page.',
  ],
  async run({ say }) {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-electronegativity-'))
    try {
      const installed = await install(join(folder, 'tool'))
      say('installed')
      const found = await scan(installed, copyOf(join(folder, 'clean')))
      const shared = await scan(installed, copyOf(join(folder, 'shared'), 'main/electron/window.ts', 'contextIsolation: true', 'contextIsolation: false'))
      const withNode = await scan(installed, copyOf(join(folder, 'node'), 'renderer/index.html', '<body>', '<body><webview nodeintegration></webview>'))
      return rowsOf(found, { shared, withNode })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

async function install(folder: string): Promise<string> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{"private":true}')
  await runFile('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `${tool}@${version}`], { cwd: folder, timeout: 300_000 })
  return folder
}

/** The sources in a folder of their own, and in one file one text replaced. */
function copyOf(folder: string, file?: string, find = '', put = ''): string {
  const isShipped = (path: string) => !/\.test\.tsx?$/.test(path)
  for (const part of scanned) cpSync(join(root, part), join(folder, part), { recursive: true, filter: isShipped })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  if (file) {
    const path = join(folder, file)
    const pieces = readFileSync(path, 'utf8').split(find)
    if (pieces.length !== 2) throw new Error(`“${find}” is ${pieces.length - 1} times in ${file}`)
    writeFileSync(path, pieces.join(put))
  }
  return folder
}

async function scan(installed: string, folder: string): Promise<Report> {
  const electron = JSON.parse(readFileSync(join(root, 'node_modules/electron/package.json'), 'utf8')) as { version: string }
  const argv = [join(import.meta.dirname, 'scan.cjs'), installed, folder, electron.version]
  const { stdout } = await runFile(process.execPath, argv, { timeout: 300_000, maxBuffer: 50_000_000, env: { ...process.env, LANG: 'en-US' } })
  return JSON.parse(stdout) as Report
}

function rowsOf(found: Report, faulty: { shared: Report; withNode: Report }): Row[] {
  const high = highIn(found)
  const others = found.issues.filter(({ severity }) => severity.name !== 'HIGH')
  const noticed = (what: string, report: Report, id: string) => {
    const own = highIn(report).filter((issue) => issue.id === id)
    return row(`the same with a fault: ${what}`, 'noticed', own.map(told).join(', ') || 'by nothing', own.length > 0)
  }
  return [
    row('checks that ran', '30 at least', String(found.atomicChecks + found.globalChecks), found.atomicChecks + found.globalChecks >= 30),
    row('files that it could not read', 'none', found.errors.map(({ file }) => file).join(', ') || 'none', found.errors.length === 0),
    row('high findings', 'none', high.map(told).join(', ') || 'none', high.length === 0),
    row('other findings', '–', others.map((issue) => `${told(issue)} (${issue.severity.name.toLowerCase()})`).join(', ') || 'none', null),
    noticed('page and bridge share a world', faulty.shared, 'CONTEXT_ISOLATION_JS_CHECK'),
    noticed('a frame with Node', faulty.withNode, 'NODE_INTEGRATION_HTML_CHECK'),
  ]
}

function highIn({ issues }: Report): Issue[] {
  return issues.filter(({ severity }) => severity.name === 'HIGH')
}

function told({ id, file, location }: Issue): string {
  return file === 'N/A' ? id : `${id} at ${file}:${location.line}`
}
