import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { SessionRecord } from './record.ts'
import { cleanEnvironment, type Separation } from './separation.ts'

/** Tries, from where a session's programs live, what they must not reach, and signs what came of it into the audit (D35). */
export type Target = { kind: 'tcp' | 'udp' | 'broadcast'; host: string; port: number }
export type ProbeOrder = { targets: Target[]; name: string | null; sockets: string[] }
const ProbeAnswer = z.object({
  /** Of each target, in order. */
  reached: z.array(z.boolean()),
  outcomes: z.array(z.string()),
  resolved: z.boolean(),
  /** Those of the given that the session's user may write to. */
  sockets: z.array(z.string()),
})
export type ProbeAnswer = z.infer<typeof ProbeAnswer>

/** What the device knows of its surroundings, read in its own network. */
export type Surroundings = {
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>
  /** `/proc/net/route`, `/proc/net/arp`, `/etc/resolv.conf`; empty where unreadable. */
  routes: string
  neighbours: string
  resolver: string
}

export function lookAround(): Surroundings {
  const read = (path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  return { interfaces: networkInterfaces(), routes: read('/proc/net/route'), neighbours: read('/proc/net/arp'), resolver: read('/etc/resolv.conf') }
}

/** SSH, DNS, web, DICOM (two), web with TLS, SMB, HL7 over MLLP. */
const ports = [22, 80, 104, 443, 445, 2575, 11_112] as const
const maxNeighbours = 4
const maxTargets = 60

/** Pure. `known` are servers that this device talks to now: what it can certainly reach, its session must not. */
export function targetsOf({ interfaces, routes, neighbours, resolver }: Surroundings, known: readonly { host: string; port: number }[]): Target[] {
  const gateways = routes
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([, destination, gateway]) => (destination === '00000000' && gateway ? [littleEndian(gateway)] : []))
  const seen = [...neighbours.matchAll(/^(\d+(?:\.\d+){3})\s/gm)].map(([, address]) => address ?? '')
  const names = [...resolver.matchAll(/^nameserver\s+(\S+)/gm)].map(([, address]) => address ?? '').filter((address) => isIP(address) > 0)
  const own = Object.values(interfaces).flatMap((list) => (list ?? []).filter(({ family, internal }) => family === 'IPv4' && !internal))
  const near = [...new Set([...gateways, ...seen, ...own.map(({ address }) => nextTo(address))])].slice(0, maxNeighbours)
  const tcp = (host: string, port: number): Target => ({ kind: 'tcp', host, port })
  const all: Target[] = [
    ...known.filter(({ host }) => isIP(host) > 0).map(({ host, port }) => tcp(host, port)),
    ...near.flatMap((host) => ports.map((port) => tcp(host, port))),
    ...own.map(({ address }) => tcp(address, 22)),
    ...names.flatMap((host): Target[] => [{ kind: 'udp', host, port: 53 }, tcp(host, 53)]),
    ...own.map(({ address, netmask }): Target => ({ kind: 'broadcast', host: broadcastOf(address, netmask), port: 9 })),
    { kind: 'broadcast', host: '255.255.255.255', port: 67 },
    { kind: 'udp', host: '224.0.0.251', port: 5353 },
    // Documentation addresses (RFC 5737, RFC 3849): somewhere on the internet, and nobody's.
    tcp('203.0.113.1', 443),
    tcp('2001:db8::1', 443),
  ]
  return [...new Map(all.map((target) => [shownTarget(target), target])).values()].slice(0, maxTargets)
}

/** As `/proc/net/route` writes an address: the octets of a 32-bit number, last one first. */
const littleEndian = (hex: string) =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map((octet) => Number.parseInt(octet, 16))
    .join('.')
const octets = (address: string) => address.split('.').map(Number)
const broadcastOf = (address: string, mask: string) =>
  octets(address)
    .map((octet, at) => octet | (255 ^ (octets(mask)[at] ?? 255)))
    .join('.')
const nextTo = (address: string) =>
  octets(address)
    .map((octet, at) => (at === 3 ? octet ^ 1 : octet))
    .join('.')
export const shownTarget = ({ kind, host, port }: Target) => `${kind} ${host}:${port}`

/** A name out of `/etc/hosts` is answered without a packet, so it says nothing of the network. */
function isKnownHere(host: string): boolean {
  try {
    return readFileSync('/etc/hosts', 'utf8').toLowerCase().split(/\s+/).includes(host.toLowerCase())
  } catch {
    return false
  }
}

/** Path sockets of this machine, as `/proc/net/unix` tells them. */
function pathSockets(): string[] {
  try {
    const found = readFileSync('/proc/net/unix', 'utf8').matchAll(/^\S+ \S+ \S+ 00010000 .*? (\/.*)$/gm)
    return [...new Set([...found].map(([, path]) => path ?? ''))].slice(0, 500)
  } catch {
    return []
  }
}

export type Probe = {
  separation: Separation
  /** Marks its process as the session's own. */
  mark: string
  cwd: string
  /** A name that this device's resolver knows, if there is one. */
  known: { host: string; port: number }[]
  sockets: readonly string[]
  signal: AbortSignal
}
export type Probed = { tried: number; reached: string[]; tries: string[]; sockets: string[] }

const probeLimitMs = 30_000

/** Rejects when it could not be carried out. */
export async function probe({ separation, mark, cwd, known, sockets, signal }: Probe): Promise<Probed> {
  const { isolation, user } = separation
  if (!isolation) throw new Error('there is nothing to be proven')
  const targets = targetsOf(lookAround(), known)
  const name = known.map(({ host }) => host).find((host) => isIP(host) === 0 && !isKnownHere(host)) ?? null
  const order: ProbeOrder = { targets, name, sockets: pathSockets().filter((path) => !sockets.includes(path)) }
  const program = [process.execPath, '--no-warnings', fileURLToPath(new URL('./probe-process.ts', import.meta.url)), String(user.uid), String(user.gid)]
  // Somebody waits for a prompt meanwhile.
  const [file = '', ...args] = isolation.enter(['/usr/bin/nice', '-n', '19', ...program], '/')
  const env = cleanEnvironment({ user, shell: '/bin/sh', mark, locale: {} })
  const child = spawn(file, args, { env, cwd, stdio: ['pipe', 'pipe', 'ignore'], timeout: probeLimitMs, killSignal: 'SIGKILL', signal })
  const failed = new Promise<never>((_resolve, reject) => child.once('error', reject))
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify(order))
  const answer = ProbeAnswer.parse(JSON.parse(await Promise.race([text(child.stdout), failed])))
  if (answer.reached.length !== targets.length) throw new Error('the probe did not try everything')
  const reached = targets.filter((_target, at) => answer.reached[at]).map(shownTarget)
  const tries = targets.map((target, at) => `${shownTarget(target)} ${answer.outcomes[at]}`)
  return { tried: targets.length + (name ? 1 : 0), reached: answer.resolved ? [...reached, `name ${name}`] : reached, tries, sockets: answer.sockets }
}

/** Writes it down; true when everything was blocked. A probe that could not run proves nothing, and says so. */
export async function probeAndRecord(options: Probe, record: Pick<SessionRecord, 'write'>): Promise<Probed | null> {
  const actor = { kind: 'agent' } as const
  try {
    const probed = await probe(options)
    const { tried, reached, tries, sockets } = probed
    const data = { tried, blocked: tried - reached.length, sockets: sockets.length }
    record.write('session.probed', { actor, data, private: { tries: tries.join('\n'), ...(sockets.length > 0 ? { sockets: sockets.join('\n') } : {}) } })
    if (reached.length > 0) record.write('session.network-reached', { actor, data: { reached: reached.length }, private: { addresses: reached.join('\n') } })
    return probed
  } catch (error) {
    if (options.signal.aborted) return null
    record.write('session.probed', { actor, data: { tried: 0, blocked: 0, failed: true }, private: { reason: String(error).slice(0, 500) } })
    return null
  }
}
