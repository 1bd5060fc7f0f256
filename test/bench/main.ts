import { createHash, randomFillSync } from 'node:crypto'
import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pipeline } from 'node:stream/promises'
import { createServices } from '../../main/services/create-services.ts'
import { createSandboxSecrets } from '../../main/services/sandbox-secrets.ts'
import type { Services, Session } from '../../main/services/services.ts'
import { agentOf } from '../e2e/support/processes.ts'
import { type RunningSandbox, removeSandbox, startSandbox, until } from '../e2e/support/sandbox.ts'

/**
 * `npm run bench`: what a person waits for, on this machine, through the whole system: real processes, TLS on loopback, the desktop client's own services.
 * Prints a table on stderr and one JSON document on stdout.
 */
const megabyte = 1_048_576
const fileBytes = 256 * megabyte
const rounds = { approvals: 5, keystrokes: 500 }

type Transferred = { mib: number; seconds: number; mibPerSecond: number }
type Figures = {
  machine: { processor: string; cores: number; memoryMb: number; node: string }
  startMs: number
  approvalToPromptMs: { median: number; max: number; samples: number[] }
  echoMs: { p50: number; p99: number; keystrokes: number }
  get: Transferred
  put: Transferred
  memoryMb: Record<string, number>
}

const started = performance.now()
const sandbox = await startSandbox()
const startMs = performance.now() - started
let services: Services | undefined
try {
  const signedIn = await sandbox.gantry('sign-in')
  if (signedIn.code !== 0) throw new Error(`sign-in failed: ${signedIn.stderr}`)
  services = await openServices(sandbox)
  const figures = await measure(sandbox, services)
  console.error(table(figures))
  console.log(JSON.stringify(figures, null, 2))
} finally {
  await services?.close()
  await removeSandbox(sandbox)
}

async function measure(sandbox: RunningSandbox, services: Services): Promise<Figures> {
  const approvals: number[] = []
  for (let round = 1; round < rounds.approvals; round += 1) {
    const { session, approvalToPromptMs } = await open(sandbox, services)
    approvals.push(approvalToPromptMs)
    await session.end()
    await session.ended
  }
  const { session, approvalToPromptMs, echo } = await open(sandbox, services)
  approvals.push(approvalToPromptMs)
  const echoMs = await measureEcho(echo)
  const device = sandbox.facts.devices[0] as RunningSandbox['facts']['devices'][number]
  const local = join(sandbox.dir, 'bench')
  mkdirSync(local)
  const source = join(local, 'sent.bin')
  writeRandom(source)
  const put = await measureTransfer(services, session, { direction: 'put', from: [source], to: '/' })
  const memoryMb = memoryOf(sandbox)
  const get = await measureTransfer(services, session, { direction: 'get', from: ['/sent.bin'], to: join(local) })
  if ((await digestOf(join(device.filesRoot, 'sent.bin'))) !== (await digestOf(source))) throw new Error('the file arrived changed')
  rmSync(local, { recursive: true })
  await session.end()
  return {
    machine: { processor: cpus()[0]?.model ?? '', cores: availableParallelism(), memoryMb: Math.round(totalmem() / megabyte), node: process.version },
    startMs: Math.round(startMs),
    approvalToPromptMs: { median: quantile(approvals, 0.5), max: quantile(approvals, 1), samples: approvals.map(round1) },
    echoMs,
    get,
    put,
    memoryMb,
  }
}

async function openServices({ dir, facts }: RunningSandbox): Promise<Services> {
  const log = { info: () => undefined, warn: () => undefined, error: (message: string, details?: object) => console.error(message, details ?? '') }
  return createServices({
    profileDir: join(dir, 'client'),
    mainServer: facts.mainServer,
    ca: readFileSync(facts.ca, 'utf8'),
    secretStore: createSandboxSecrets(dir),
    openBrowser: () => undefined,
    party: 'command-line',
    about: { version: 'bench', host: 'browser', hostReason: null, sandbox: true },
    log,
  })
}

type Open = { session: Session; approvalToPromptMs: number; echo: (keys: string, shown: string) => Promise<void> }

/** From the press on Allow to the shell's prompt on the screen. */
async function open(sandbox: RunningSandbox, services: Services): Promise<Open> {
  const [first] = sandbox.facts.devices
  const device = await services.devices.find(first?.id ?? '')
  const asked = await services.requests.ask({ deviceId: device.id, access: 'os', serviceKind: 'support', reason: 'Bench', caseId: 'bench', minutes: 30 })
  let approvedMs = 0
  const watching = services.on('request.changed', ({ steps }) => {
    if (approvedMs === 0 && steps.some(({ name }) => name === 'approved')) approvedMs = performance.now()
  })
  const pressed = await sandbox.panel(device.id, 'approve', '--next', '--timeout', '30')
  if (pressed.code !== 0) throw new Error(`approval failed: ${pressed.stderr}`)
  const session = await asked.session
  const terminal = await session.openTerminal({ columns: 80, rows: 24 })
  let seen = ''
  let listener: () => void = () => undefined
  terminal.onData((data) => {
    seen += data
    terminal.drawn(data.length)
    listener()
  })
  const sees = (text: string) =>
    new Promise<void>((resolve) => {
      listener = () => {
        if (seen.includes(text)) resolve()
      }
      listener()
    })
  await until('a prompt', () => seen.length > 0 || null)
  const approvalToPromptMs = performance.now() - approvedMs
  watching()
  return {
    session,
    approvalToPromptMs,
    async echo(keys, shown) {
      seen = ''
      terminal.write(keys)
      await sees(shown)
    },
  }
}

/** One key at a time, each waiting for its echo: what typing feels like. */
async function measureEcho(echo: Open['echo']): Promise<Figures['echoMs']> {
  const times: number[] = []
  for (let index = 0; index < rounds.keystrokes; index += 1) {
    const key = 'abcdefghij'[index % 10] ?? 'a'
    const start = performance.now()
    await echo(key, key)
    times.push(performance.now() - start)
    // A line that is never sent: Ctrl-U empties it before it wraps. Another letter than the line begins with, or readline would not draw it anew.
    if (index % 20 === 19) await echo('\u0015z', 'z')
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), keystrokes: times.length }
}

async function measureTransfer(
  services: Services,
  { requestId }: Session,
  what: { direction: 'put' | 'get'; from: string[]; to: string },
): Promise<Transferred> {
  const start = performance.now()
  const { transferIds } = await services.transfers.start({ requestId, replace: true, ...what })
  const done = await services.transfers.finished(transferIds[0] ?? '')
  if (done.state !== 'done' || !done.verified) throw new Error(`transfer failed: ${JSON.stringify(done.failure)}`)
  const seconds = (performance.now() - start) / 1_000
  return { mib: fileBytes / megabyte, seconds: round1(seconds * 100) / 100, mibPerSecond: round1(fileBytes / megabyte / seconds) }
}

/** Resident memory while a session is open and a large file has just passed through. */
function memoryOf({ facts, child }: RunningSandbox): Record<string, number> {
  const [device] = facts.devices
  const pids: Record<string, number> = {
    'main server': facts.pids.mainServer,
    'access server 1': facts.pids.accessServers[0] ?? 0,
    'access server 2': facts.pids.accessServers[1] ?? 0,
    supervisor: device?.pid ?? 0,
    agent: agentOf(device?.pid ?? 0),
    sandbox: child.pid ?? 0,
    'client services (this process)': process.pid,
  }
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, residentMb(pid)]))
}

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kb) / 1_024)
}

function writeRandom(path: string): void {
  const file = openSync(path, 'w')
  const block = Buffer.alloc(4 * megabyte)
  for (let written = 0; written < fileBytes; written += block.length) writeSync(file, randomFillSync(block))
  closeSync(file)
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return round1(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0)
}

function round1(value: number): number {
  return Math.round(value * 10) / 10
}

function table({ startMs, approvalToPromptMs, echoMs, get, put, memoryMb }: Figures): string {
  const rows: [string, string][] = [
    ['sandbox ready', `${startMs} ms`],
    ['approval to prompt', `${approvalToPromptMs.median} ms median, ${approvalToPromptMs.max} ms at most`],
    ['echo of a keystroke', `${echoMs.p50} ms p50, ${echoMs.p99} ms p99`],
    [`get ${get.mib} MiB`, `${get.mibPerSecond} MiB/s`],
    [`put ${put.mib} MiB`, `${put.mibPerSecond} MiB/s`],
    ...Object.entries(memoryMb).map(([name, mb]): [string, string] => [`memory: ${name}`, `${mb} MB`]),
  ]
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`).join('\n')
}
