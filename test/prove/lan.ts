import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { actions } from '@gantry/shared/actions.ts'
import { sessionCalls } from '@gantry/shared/session-api.ts'
import { z } from 'zod'
import { isReached, isSurelyReached, type LanTask, type Reached, type ReachTask } from './hostile/reach-api.ts'
import { type Proof, type Row, row } from './proof.ts'
import { deviceId } from './world/desk.ts'
import { type Net, openWorld, type World } from './world/world.ts'

export const lan: Proof = {
  name: 'lan',
  title: 'A session’s shell does not reach the hospital',
  covers: ['D35', 'R055', 'T9'],
  method:
    'Topology T, and on the device’s own network a hospital that answers on every one of its addresses, by TCP on ten ports, ICMP and mDNS. OpenSSH at the desk runs a program in real sessions of the device, as a command and on a terminal, that tries all of them. The hospital’s firewall counts what arrives. The same program outside a session, on the device’s host and as root, has to reach them. Then OpenSSH asks for each kind of forwarding.',
  limits: ['a session at a device whose agent is not root: it has the device’s network, and says so at the panel, in the client and in the audit.'],
  async run({ quick, say }) {
    const lanOf = createHospital()
    const world = await openWorld({ prepare: lanOf.prepare })
    try {
      await lanOf.ready
      const task: ReachTask = { addresses: lanOf.addresses, ports: [...lanOf.ports], v6: world.net.address.device.v6.replace(/2$/, '1') }
      const rows: Row[] = []
      let config = ''
      for (const [where, options] of [
        ['as a command', []],
        ['on a terminal', ['-tt']],
      ] as const) {
        config = await sshConfig(world)
        for (let times = 0; times < (quick ? 1 : 3); times += 1) {
          const before = arrived(world)
          const found = readReached((await ssh(world, config, [...options], reachCommand(task))).stdout)
          rows.push(...rowsOf(`${where}, ${times + 1}`, found, arrived(world) - before))
          say(JSON.stringify(found))
        }
      }
      const refused = await forwarding(world, config, { times: quick ? 2 : 10, say })
      const outside = await outsideASession(world, task)
      return [...rows, probed(world), ...refused, noAddressAsked(), ...outside]
    } finally {
      await world.close()
    }
  },
}

/** SSH, DNS, web, DICOM (two), web with TLS, SMB, HL7 over MLLP, a remote desktop, a database. */
const lanPorts = [22, 53, 80, 104, 443, 445, 2_575, 3_389, 5_432, 11_112] as const

const lanCounter = `table ip lan {
  counter arrived { }
  chain input {
    type filter hook input priority -10;
    iifname "device" counter name arrived
  }
}`

/** All addresses of the device's network but its own belong to the hospital. */
function createHospital() {
  const ready = Promise.withResolvers<void>()
  const addresses: string[] = []
  return {
    ready: ready.promise,
    addresses,
    ports: lanPorts,
    prepare(net: Net) {
      const device = net.address.device.v4
      const base = device.slice(0, device.lastIndexOf('.'))
      addresses.push(...Array.from({ length: 254 }, (_, index) => `${base}.${index + 1}`))
      const more = addresses.slice(2).map((address) => `addr add ${address}/32 dev device`)
      // So that a session without it lacks the network, not the right.
      net.run('device', ['sysctl', '-q', '-w', 'net.ipv4.ping_group_range=0 2147483647'])
      net.run('hospital', ['ip', '-batch', '-'], `${more.join('\n')}\n`)
      net.firewall('hospital', lanCounter)
      const task: LanTask = { ports: [...lanPorts], own: addresses[0] ?? '' }
      const [program, ...argv] = net.on('hospital', [process.execPath, join(import.meta.dirname, 'hostile/hospital-lan.ts'), JSON.stringify(task)])
      // It ends with its host.
      const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
      child.once('error', ready.reject)
      child.stdout.once('data', () => ready.resolve())
    },
  }
}

/** Packets of the device to the hospital's own addresses, or to all of them. */
function arrived({ net }: World): number {
  return Number(/packets (\d+)/.exec(net.run('hospital', ['nft', 'list', 'counter', 'ip', 'lan', 'arrived']))?.[1])
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`
const reachArgv = (task: ReachTask) => [process.execPath, '--no-warnings', join(import.meta.dirname, 'hostile/reach.ts'), JSON.stringify(task)]
const reachCommand = (task: ReachTask) => reachArgv(task).map(quoted).join(' ')

function readReached(stdout: string): Reached {
  const line = stdout.split('\n').find((one) => one.startsWith('{"tcp"'))
  if (!line) throw new Error(`the program in the session said: ${stdout}`)
  return JSON.parse(line) as Reached
}

const outcomesOf = (ways: Reached['ways']) =>
  Object.entries(ways)
    .map(([way, outcome]) => `${way}: ${outcome}`)
    .join(', ')

function rowsOf(where: string, { tcp, ways }: Reached, packets: number): Row[] {
  const others = Object.values(ways).filter(isReached)
  const why = Object.entries(tcp.why).map(([code, count]) => `${count} ${code}`)
  const otherWays = `${Object.keys(ways).length} other ways out: reached`
  return [
    row(
      `${where}: hospital’s doors reached of ${tcp.tried} (254 addresses, 10 ports)`,
      '0',
      `${tcp.reached} (${why.join(', ')})`,
      tcp.reached === 0 && tcp.tried === 2_540,
    ),
    row(`${where}: ${otherWays}`, '0', `${others.length} (${outcomesOf(ways)})`, others.length === 0),
    row(`${where}: packets that arrived at the hospital`, '0', String(packets), packets === 0),
  ]
}

const run = promisify(execFile)

/** Each printed one has a session of its own. */
async function sshConfig({ net, dir }: World): Promise<string> {
  const cli = join(import.meta.dirname, '../../cli/main.ts')
  const words = ['--sandbox', dir, 'ssh-config', deviceId, '--reason', 'Proof', '--case', 'proof']
  const [program, ...argv] = net.on('desk', [process.execPath, cli, ...words])
  const path = join(dir, 'ssh-config')
  writeFileSync(path, (await run(program, argv)).stdout)
  return path
}

/** OpenSSH's own; whatever it ends with is an answer here. */
async function ssh({ net }: World, config: string, options: string[], ...command: string[]): Promise<{ stdout: string; stderr: string }> {
  const [program, ...argv] = net.on('desk', ['ssh', '-F', config, '-o', 'BatchMode=yes', ...options, deviceId, ...command])
  return run(program, argv, { timeout: 90_000, env: { ...process.env, DISPLAY: '127.0.0.1:9' } }).catch((error: { stdout: string; stderr: string }) => error)
}

type AuditedEvent = { kind: string; data?: Record<string, unknown> }
function audited({ dir }: World): AuditedEvent[] {
  const text = readFileSync(join(dir, 'devices/1/agent/audit.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
}

/** At each session's start the device's own probe, signed into its audit. */
function probed(world: World): Row {
  const probes = audited(world).filter(({ kind }) => kind === 'session.probed')
  const whole = probes.filter(({ data }) => Number(data?.tried) > 10 && data?.blocked === data?.tried)
  const found = `${whole.length} of ${probes.length}, ${probes.map(({ data }) => `${data?.tried} tried, ${data?.blocked} blocked`).join('; ')}`
  return row('the device’s own probe is in its audit, everything blocked', 'each session', found, whole.length > 0 && whole.length === probes.length)
}

/** Each asked of the device by OpenSSH in a connection of its own; what the device audits them as. */
const asks: Record<string, (world: World, config: string) => Promise<unknown>> = {
  'direct-tcpip': (world, config) => ssh(world, config, ['-W', '127.0.0.1:22']),
  'tcpip-forward': (world, config) => ssh(world, config, ['-R', '0:127.0.0.1:9'], 'true'),
  'streamlocal-forward@openssh.com': (world, config) => ssh(world, config, ['-R', '/tmp/gantry-prove.sock:/tmp/nobody.sock'], 'true'),
  'direct-streamlocal@openssh.com': directStreamlocal,
  'auth-agent-req@openssh.com': (world, config) => ssh(world, config, ['-o', 'ForwardAgent=yes'], 'true'),
  'x11-req': (world, config) => ssh(world, config, ['-Y'], 'true'),
  'tun@openssh.com': (world, config) => ssh(world, config, ['-o', 'Tunnel=point-to-point', '-w', 'any:any'], 'sleep 1'),
}

async function forwarding(world: World, config: string, { times, say }: { times: number; say: (line: string) => void }): Promise<Row[]> {
  const rows: Row[] = []
  const count = (what: string) => audited(world).filter(({ kind, data }) => kind === 'channel.refused' && data?.what === what).length
  for (const [what, ask] of Object.entries(asks)) {
    const before = count(what)
    for (let time = 0; time < times; time += 1) await ask(world, config)
    const refused = count(what) - before
    say(`${what}: ${refused} refused`)
    rows.push(row(`${what}, asked ${times} times: refused, and in the device’s audit`, String(times), String(refused), refused >= times))
  }
  const { stdout } = await ssh(
    world,
    config,
    ['-Y', '-o', 'ForwardAgent=yes'],
    'echo "[$SSH_AUTH_SOCK$DISPLAY]"; ls /tmp/gantry-prove.sock 2>/dev/null; cat /proc/net/dev',
  )
  const open = [...stdout.matchAll(/^\s*((?:tun|tap|eth|above)\S*):/gm)].map(([, name]) => name)
  const holds = stdout.startsWith('[]\n') && !stdout.includes('.sock') && open.length === 0 && stdout.includes('lo:')
  rows.push(row('afterwards the shell has an agent, a display, a forwarded socket or an interface', '0', holds ? '0' : stdout, holds))
  return rows
}

/** OpenSSH asks for it once somebody comes to its own end. */
async function directStreamlocal({ net, dir }: World, config: string): Promise<void> {
  const local = join(dir, 'local.sock')
  const [program, ...argv] = net.on('desk', ['ssh', '-F', config, '-N', '-L', `${local}:/run/dbus/system_bus_socket`, deviceId])
  const child = spawn(program, argv, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  try {
    for (let tries = 0; tries < 200 && child.exitCode === null; tries += 1) {
      const socket = connect(local)
      const came = await once(socket, 'connect', { signal: AbortSignal.timeout(5_000) }).then(
        () => true,
        () => false,
      )
      if (came) {
        socket.resume()
        // When it is refused OpenSSH closes its end.
        await once(socket, 'close', { signal: AbortSignal.timeout(5_000) }).catch(() => socket.destroy())
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    child.kill('SIGKILL')
    await ended
    rmSync(local, { force: true })
  }
}

/** What a specialist can ask of a device beside a shell has no place for an address. */
function noAddressAsked(): Row {
  const named = Object.entries({ ...actions, ...sessionCalls }).flatMap(([name, { input }]) =>
    [...JSON.stringify(z.toJSONSchema(input, { io: 'input' })).matchAll(/"(\w*(?:host|port|address|url|target|server)\w*)":/gi)].map(
      ([, key]) => `${name} ${key}`,
    ),
  )
  const asked = Object.keys(actions).length + Object.keys(sessionCalls).length
  return row(`requests of ${asked} that take a host, a port, an address or a URL`, '0', named.length === 0 ? '0' : named.join(', '), named.length === 0)
}

/** The control: the same program with the device's own network. */
async function outsideASession(world: World, task: ReachTask): Promise<Row[]> {
  const before = arrived(world)
  const [program, ...argv] = world.net.on('device', reachArgv(task))
  const { tcp, ways } = readReached((await run(program, argv, { timeout: 90_000 })).stdout)
  const packets = arrived(world) - before
  const missed = Object.entries(ways).filter(([, outcome]) => !isSurelyReached(outcome))
  return [
    row('control: the same program on the device’s host, outside a session, reaches the hospital', '≥ 2,530', String(tcp.reached), tcp.reached >= 2_530),
    row('control: and by each other way', 'all', missed.length === 0 ? outcomesOf(ways) : `not ${missed.join('; ')}`, missed.length === 0),
    row('control: packets that the hospital’s count saw', '> 2,530', String(packets), packets > 2_530),
  ]
}
