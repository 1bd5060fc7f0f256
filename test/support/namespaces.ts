import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'

/**
 * A small internet on this machine: one network namespace a host, a cable (veth) to the host above it, addresses and routes for IPv4 and IPv6. For root on Linux.
 *
 *   const net = openInternet({ inet: null, hospital: 'inet', device: 'hospital', main: 'inet' })
 *   net.firewall('hospital', hospitalRules)               nft's own language
 *   spawn(...net.on('device', ['node', 'agent/main.ts']))  keeps its process id
 *
 * A host's cable upwards is the interface `above`; the one down to a host has that host's name. Addresses are of the ranges for benchmarks (RFC 2544) and for private use (RFC 4193).
 */
export type Internet<Host extends string> = {
  address: Record<Host, { v4: string; v6: string }>
  /** The command that runs `argv` on this host. Its process id is the program's own. */
  on(host: Host, argv: readonly string[]): [string, ...string[]]
  /** Runs to its end there and gives its output; throws with what it complained of. */
  run(host: Host, argv: readonly string[], input?: string): string
  /** Rules for nft, added to what is there; begin with `flush ruleset` to replace. */
  firewall(host: Host, rules: string): void
  /** Names that this host knows beside its resolver's, as lines of /etc/hosts. */
  know(host: Host, lines: string): void
  /** Ends what still runs there and takes everything down. May be called again. */
  close(): void
}

const prefix = 'gantry-'
const ownFiles = (namespace: string) => `/etc/netns/${namespace}`

/** True where namespaces and their firewall can be made: root on Linux with iproute2 and nftables. */
export function canOpenInternet(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && ['ip', 'nft'].every((program) => spawnSync(program, ['-V']).status === 0)
}

let opened = 0

/** `tree` says which host each one hangs on; one hangs on none. Whatever an earlier process left behind when it was killed is taken down first. */
export function openInternet<Host extends string>(tree: Record<Host, NoInfer<Host> | null>): Internet<Host> {
  sweep()
  opened += 1
  const number = opened
  const hosts = Object.keys(tree) as Host[]
  const namespaceOf = (host: Host) => `${prefix}${process.pid}-${number}-${host}`
  const address = Object.fromEntries(hosts.map((host, index) => [host, numbered(index).own])) as Internet<Host>['address']
  const takeDown = () => {
    for (const host of hosts) remove(namespaceOf(host))
  }
  process.once('exit', takeDown)
  try {
    for (const host of hosts) ip('netns', 'add', namespaceOf(host))
    for (const host of hosts) prepare(namespaceOf(host))
    for (const [index, host] of hosts.entries()) {
      const above = tree[host]
      if (above !== null) connect(numbered(index), { own: namespaceOf(host), above: namespaceOf(above), name: host })
    }
    for (const [index, host] of hosts.entries()) routeDown(tree, { host, index, hosts, namespaceOf })
  } catch (error) {
    takeDown()
    throw error
  }

  const on = (host: Host, argv: readonly string[]): [string, ...string[]] => ['ip', 'netns', 'exec', namespaceOf(host), ...argv]
  const run = (host: Host, argv: readonly string[], input = '') => command(on(host, argv), input)
  return {
    address,
    on,
    run,
    firewall: (host, rules) => void run(host, ['nft', '-f', '-'], rules),
    know(host, lines) {
      mkdirSync(ownFiles(namespaceOf(host)), { recursive: true })
      writeFileSync(`${ownFiles(namespaceOf(host))}/hosts`, `127.0.0.1 localhost\n::1 localhost\n${lines}\n`)
    },
    close() {
      process.off('exit', takeDown)
      takeDown()
    },
  }
}

type Cable = { own: { v4: string; v6: string }; above: { v4: string; v6: string }; net: { v4: string; v6: string } }

function numbered(index: number): Cable {
  const [v4, v6] = [`198.18.${index}`, `fd00:6761:${index.toString(16)}:`]
  return { own: { v4: `${v4}.2`, v6: `${v6}:2` }, above: { v4: `${v4}.1`, v6: `${v6}:1` }, net: { v4: `${v4}.0/24`, v6: `${v6}:/64` } }
}

function prepare(namespace: string): void {
  ip('-n', namespace, 'link', 'set', 'dev', 'lo', 'up')
  const settings = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1', 'net.ipv6.conf.default.accept_dad=0', 'net.ipv6.conf.all.accept_dad=0']
  command(['ip', 'netns', 'exec', namespace, 'sysctl', '-q', '-w', ...settings])
}

function connect({ own, above }: Cable, at: { own: string; above: string; name: string }): void {
  ip('link', 'add', 'name', 'above', 'netns', at.own, 'type', 'veth', 'peer', 'name', at.name, 'netns', at.above)
  const ends = [
    { namespace: at.own, name: 'above', ...own },
    { namespace: at.above, name: at.name, ...above },
  ]
  for (const { namespace, name, v4, v6 } of ends) {
    ip('-n', namespace, 'addr', 'add', `${v4}/24`, 'dev', name)
    ip('-n', namespace, 'addr', 'add', `${v6}/64`, 'dev', name, 'nodad')
    ip('-n', namespace, 'link', 'set', 'dev', name, 'up')
  }
  ip('-n', at.own, 'route', 'add', 'default', 'via', above.v4)
  ip('-n', at.own, '-6', 'route', 'add', 'default', 'via', above.v6)
}

type Place<Host> = { host: Host; index: number; hosts: Host[]; namespaceOf: (host: Host) => string }

/** Everyone further up than the host above learns which way this host lies. */
function routeDown<Host extends string>(tree: Record<Host, Host | null>, { host, index, hosts, namespaceOf }: Place<Host>): void {
  const { net } = numbered(index)
  let via = tree[host]
  for (let above = via === null ? null : tree[via]; via !== null && above !== null; via = above, above = tree[above]) {
    const next = numbered(hosts.indexOf(via)).own
    ip('-n', namespaceOf(above), 'route', 'add', net.v4, 'via', next.v4)
    ip('-n', namespaceOf(above), '-6', 'route', 'add', net.v6, 'via', next.v6)
  }
}

/** Takes down what belongs to processes that are no more. */
function sweep(): void {
  if (!existsSync('/run/netns')) return
  for (const name of readdirSync('/run/netns')) {
    const pid = /^gantry-(\d+)-/.exec(name)?.[1]
    if (pid && !existsSync(`/proc/${pid}`)) remove(name)
  }
}

/** Whatever still runs in it was started for it. */
function remove(namespace: string): void {
  if (!existsSync(`/run/netns/${namespace}`)) return
  const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.split('\n').map(Number)
  for (const pid of pids.filter((one) => one > 1)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  spawnSync('ip', ['netns', 'del', namespace])
  rmSync(ownFiles(namespace), { recursive: true, force: true })
}

function ip(...argv: string[]): string {
  return command(['ip', ...argv])
}

function command([program, ...argv]: readonly [string, ...string[]], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(program, argv, { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${[program, ...argv].join(' ')}: ${error?.message ?? stderr.trim()}`)
  return stdout
}
