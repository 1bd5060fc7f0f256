import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

/** The sandbox as it is started by hand, headless, in a folder of its own. Only what a person or a script can use: its JSON line and the commands. */
export const root = join(import.meta.dirname, '../../..')

const Facts = z.object({
  ready: z.literal(true),
  mainServer: z.url(),
  accessServers: z.array(z.url()).length(2),
  ca: z.string(),
  specialist: z.object({ username: z.string(), password: z.string(), totpSecret: z.string() }),
  devices: z.array(z.object({ id: z.string(), name: z.string(), model: z.string(), filesRoot: z.string(), pid: z.number() })).min(1),
  pids: z.object({ mainServer: z.number(), accessServers: z.array(z.number()).length(2) }),
})
export type Facts = z.infer<typeof Facts>
export type Done = { code: number | null; stdout: string; stderr: string }
/** A command that is still running. */
export type Running = { child: ChildProcess; stdout(): string; stderr(): string; done: Promise<Done> }
export type RunningSandbox = {
  dir: string
  facts: Facts
  child: ChildProcess
  stderr(): string
  gantry(...argv: string[]): Promise<Done>
  startGantry(...argv: string[]): Running
  panel(...argv: string[]): Promise<Done>
  stop(): Promise<void>
}

export function newStateFolder(): string {
  return mkdtempSync(join(tmpdir(), 'gantry-e2e-'))
}

/** An environment like that of a person's shell, without what vitest adds to it. */
function environment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, USER } = process.env
  return { PATH, HOME, TMPDIR, USER, LANG: 'C.UTF-8' }
}

export function run(argv: [string, ...string[]], options: { env?: NodeJS.ProcessEnv; input?: string; cwd?: string } = {}): Running {
  const [program, ...rest] = argv
  const child = spawn(program, rest, { env: { ...environment(), ...options.env }, stdio: ['pipe', 'pipe', 'pipe'], cwd: options.cwd ?? root })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  child.stdin.on('error', () => undefined)
  if (options.input !== undefined) child.stdin.end(options.input)
  const { promise, resolve, reject } = Promise.withResolvers<Done>()
  child.once('error', reject)
  child.once('close', (code) => resolve({ code, ...text }))
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, done: promise }
}

/** As the device's owner, with the customer's tool. The agent looks at the file once a second. */
export async function setPolicy({ dir }: Pick<RunningSandbox, 'dir'>, device: number, ...settings: string[]): Promise<void> {
  const [config, customer] = [join(dir, `devices/${device}/device.json`), join(dir, 'customer')]
  const argv = ['policy', 'set', '--config', config, '--key', join(customer, 'policy-key.json'), ...settings]
  const { code, stderr } = await run([process.execPath, join(root, 'agent/main.ts'), ...argv], { input: readFileSync(join(customer, 'passphrase'), 'utf8') })
    .done
  if (code !== 0) throw new Error(stderr)
}

export async function startSandbox(dir: string = newStateFolder(), ...more: string[]): Promise<RunningSandbox> {
  const running = run([process.execPath, join(root, 'sandbox/main.ts'), '--headless', '--json', '--stop-with-stdin', '--state', dir, ...more])
  const { promise: line, resolve, reject } = Promise.withResolvers<string>()
  running.child.stdout?.on('data', () => running.stdout().includes('\n') && resolve(running.stdout().split('\n')[0] ?? ''))
  void running.done.then(({ code, stderr }) => reject(new Error(`the sandbox ended with ${code}: ${stderr}`)))
  const facts = Facts.parse(JSON.parse(await line))
  const startGantry = (...argv: string[]) => run([process.execPath, join(root, 'cli/main.ts'), '--sandbox', dir, ...argv])
  return {
    dir,
    facts,
    child: running.child,
    stderr: running.stderr,
    startGantry,
    gantry: (...argv) => startGantry(...argv).done,
    panel: (...argv) => run([process.execPath, join(root, 'sandbox/panel-command.ts'), ...argv, '--sandbox', dir], { input: '' }).done,
    async stop() {
      running.child.kill('SIGTERM')
      await running.done
    },
  }
}

/** For the end of a test file: stopped, and the folder gone. */
export async function removeSandbox(sandbox: RunningSandbox | undefined): Promise<void> {
  if (!sandbox) return
  await sandbox.stop()
  rmSync(sandbox.dir, { recursive: true, force: true })
}

/** With the first device alone: it starts in less than half the time. */
export const oneDevice = ['--devices', '1'] as const

/** Looks until `condition` gives something, 20 s at most; the last thing seen is in the error. */
export async function until<T>(what: string, condition: () => T | Promise<T>, withinMs = 20_000): Promise<NonNullable<T>> {
  const end = Date.now() + withinMs
  for (;;) {
    const value = await condition()
    if (value) return value as NonNullable<T>
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`)
    await sleep(50)
  }
}
