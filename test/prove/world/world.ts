import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLines } from '@gantry/shared/node/lines.ts'
import type { Facts } from '../../e2e/support/sandbox.ts'
import { type Internet, openInternet } from '../../support/namespaces.ts'
import { allowAll, type Desk, openDriver } from './desk.ts'
import { deskWall, hospitalWall } from './firewall.ts'
import type { Said, SandboxTask } from './task.ts'

/**
 * The goals' topology T with the whole system in it: a hospital that lets nothing in (the device behind its firewall and NAT), an internet, two access servers, a main server with an
 * address for each of its listeners, a desk that lets nothing in, and somebody outside. Port 443 everywhere, names by hosts files, every part a process of its own on its own host.
 */
const tree = { inet: null, hospital: 'inet', device: 'hospital', access1: 'inet', access2: 'inet', main: 'inet', desk: 'inet', outside: 'inet' } as const
export type Host = keyof typeof tree
export type Net = Internet<Host>
export type PartName = 'main-server' | 'access-server-1' | 'access-server-2'

export type World = Desk & {
  net: Net
  /** 0 while it is down. */
  pidOf(part: PartName): number
  kill(part: PartName, signal: NodeJS.Signals): number
  /** Resolves once a part that died is up again; the sandbox starts it anew by itself. */
  upAgain(part: PartName, before: number): Promise<void>
  names: typeof names
  /** Anew, as the person of the sandbox. */
  signIn(): void
  close(): Promise<void>
}
export type WorldOptions = {
  /** Which addresses the names stand for. */
  family?: 4 | 6
  programs?: SandboxTask['programs']
  /** How many devices run; the first one is where sessions go. */
  devices?: number
  /** Gives the beginning of each command of a host: what sets its own clock, or its own allocator. */
  prefixIn?: (dir: string) => (host: Host) => readonly string[]
  /** Once the cables lie, before anything starts. */
  prepare?: (net: Net) => void
}

const names = { people: 'people.gantry.test', agents: 'agents.gantry.test', access1: 'access-1.gantry.test', access2: 'access-2.gantry.test' } as const
/** The main server's second address, for the agents' listener. */
const agentsAddress = { v4: '198.18.100.1', v6: 'fd00:6761:100::1' } as const
const ports = { people: 443, agents: 443, access1: 443, access2: 443, panels: 0 } as const
export async function openWorld({
  family = 4,
  programs = {},
  devices = 1,
  prefixIn = () => () => [],
  prepare = () => undefined,
}: WorldOptions = {}): Promise<World> {
  const net = openInternet<Host>(tree)
  const dir = mkdtempSync(join(tmpdir(), 'gantry-prove-'))
  const running: ChildProcess[] = []
  const close = async () => {
    // The client first: it still says good-bye.
    for (const child of running.toReversed()) await stop(child)
    net.close()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    layOut(net, family)
    prepare(net)
    const pids = new Map<string, number>()
    allowAll(dir)
    const prefixOf = prefixIn(dir)
    const enter = Object.fromEntries((Object.keys(tree) as Host[]).map((host) => [host, [...net.on(host, []), ...prefixOf(host)]]))
    const task: SandboxTask = { state: dir, devices, ports: { ...ports, hosts: names }, enter, programs }
    const log = join(dir, 'world.log')
    const sandbox = start(net, ['start-sandbox.ts', JSON.stringify(task)], log)
    running.push(sandbox)
    const facts = await listen(sandbox, pids, log)
    signIn(net, dir)
    const driver = openDriver(enter.desk ?? [], dir, log)
    running.push(driver.child)
    await driver.client.call('main-server.ask', {})
    const pidOf = (part: PartName) => pids.get(part) ?? 0
    return {
      ...{ net, dir, facts, client: driver.client, clientPid: driver.child.pid ?? 0, pidOf, names, close, signIn: () => signIn(net, dir) },
      kill(part, signal) {
        const pid = pidOf(part)
        process.kill(pid, signal)
        return pid
      },
      async upAgain(part, before) {
        while (pidOf(part) === before || pidOf(part) === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function layOut(net: Net, family: 4 | 6): void {
  const version = family === 4 ? 'v4' : 'v6'
  const bits = family === 4 ? 32 : 128
  net.run('main', ['ip', 'addr', 'add', `${agentsAddress[version]}/${bits}`, 'dev', 'above', ...(family === 6 ? ['nodad'] : [])])
  net.run('inet', ['ip', `-${family}`, 'route', 'add', agentsAddress[version], 'via', net.address.main[version]])
  const addresses = {
    people: net.address.main[version],
    agents: agentsAddress[version],
    access1: net.address.access1[version],
    access2: net.address.access2[version],
  }
  const lines = Object.entries(addresses).map(([what, address]) => `${address} ${names[what as keyof typeof names]}`)
  for (const host of Object.keys(tree) as Host[]) net.know(host, lines.join('\n'))
  net.firewall('hospital', hospitalWall(family, Object.values(addresses)))
  net.firewall('desk', deskWall(family, Object.values(addresses)))
}

function start(net: Net, argv: [string, ...string[]], log: string): ChildProcess {
  const [program, ...rest] = net.on('desk', [process.execPath, join(import.meta.dirname, argv[0]), ...argv.slice(1)])
  const file = openSync(log, 'a')
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', file], env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8' } })
  closeSync(file)
  child.stdin?.on('error', () => undefined)
  return child
}

/** Follows what the sandbox says of its parts; resolves when all are up. */
async function listen(child: ChildProcess, pids: Map<string, number>, log: string): Promise<Facts> {
  const { promise, resolve, reject } = Promise.withResolvers<Facts>()
  const follow = async () => {
    if (!child.stdout) return
    for await (const line of readLines(child.stdout, { maxBytes: 1_048_576 })) {
      const said = JSON.parse(line) as Said
      if ('facts' in said) resolve(said.facts as Facts)
      else if (said.event.kind === 'ready') pids.set(said.event.name, said.event.pid)
      else pids.set(said.event.name, 0)
    }
    reject(new Error(`the sandbox ended: ${readFileSync(log, 'utf8').slice(-4_000)}`))
  }
  follow().catch(reject)
  return promise
}

function signIn(net: Net, dir: string): void {
  const [program, ...argv] = net.on('desk', [process.execPath, join(import.meta.dirname, '../../../cli/main.ts'), '--sandbox', dir, 'sign-in'])
  execFileSync(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 90_000 })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.stdin?.end()
  const force = setTimeout(() => child.kill('SIGKILL'), 15_000)
  await gone
  clearTimeout(force)
}
