import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isReached, mdns, type Reached, type ReachTask } from './reach-api.ts'

/** Somebody in a session's shell who looks for the hospital: every way out that a program without rights, or with them, could try. `node reach.ts TASK`, in JSON; one line of JSON. */
const task = JSON.parse(process.argv[2] ?? '') as ReachTask
const timeLimitMs = 2_000
const atOnce = 200

function tryTcp(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeLimitMs })
    const end = (what: string) => {
      resolve(what)
      socket.destroy()
    }
    socket.once('connect', () => end('connected'))
    socket.once('timeout', () => end('silence'))
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'unknown'))
  })
}

async function tryAll(): Promise<Reached['tcp']> {
  const left = task.addresses.flatMap((host) => task.ports.map((port) => ({ host, port })))
  const tcp: Reached['tcp'] = { tried: left.length, reached: 0, why: {} }
  const work = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      const what = await tryTcp(one.host, one.port)
      tcp.why[what] = (tcp.why[what] ?? 0) + 1
      if (isReached(what)) tcp.reached += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return tcp
}

/** A question to one address, from an ordinary socket. */
function tryUdp(host: string, port: number, broadcast = false): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const end = (what: string) => {
      resolve(what)
      clearTimeout(silence)
      socket.close()
    }
    let sent = false
    const silence = setTimeout(() => end(sent ? 'sent' : 'silence'), timeLimitMs)
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? 'unknown'))
    socket.once('message', () => end('answered'))
    socket.bind(() => {
      if (broadcast) socket.setBroadcast(true)
      socket.send(Buffer.alloc(12), port, host, (error) => {
        if (error) end((error as NodeJS.ErrnoException).code ?? 'unknown')
        else sent = true
      })
    })
  })
}

/** Sockets that Node has no name for. Perl lies on every Debian; prints one word: `answered`, `sent`, or why not. */
const codes = 'EPERM EACCES ENETUNREACH EADDRNOTAVAIL EPROTONOSUPPORT EAFNOSUPPORT ENETDOWN ENODEV ENXIO EINVAL'
const prelude = `use Socket; use Errno; sub failed { my ($code) = grep { $!{$_} } qw(${codes}); print $code // "$!"; exit }`
/** RFC 792; its checksum is that of all its zeros and the 8. */
const echoRequest = 'my $m = pack("C2 n a12", 8, 0, 0xf7ff, "");'
const hear = `my $r = ''; vec($r, fileno(S), 1) = 1; print select($r, undef, undef, ${timeLimitMs / 1_000}) ? 'answered' : 'sent'`
const icmp = (kind: string, address: string) =>
  `socket(S, AF_INET, ${kind}, 1) or failed; ${echoRequest} send(S, $m, 0, pack_sockaddr_in(0, inet_aton('${address}'))) or failed; ${hear}`
/** AF_PACKET is 17, ETH_P_ALL is 3 (packet(7)): a frame of its own to everybody, on the first interface that is no loopback. */
const frame = (index: number) =>
  `socket(S, 17, SOCK_RAW, 0x0300) or failed; send(S, ("\\xff" x 12) . "\\x08\\x00" . ("\\0" x 46), 0, pack('S n i S C C a8', 17, 0x0800, ${index}, 0, 0, 6, "\\xff" x 6)) or failed; print 'sent'`

function perl(program: string): string {
  const { stdout, error } = spawnSync('/usr/bin/perl', ['-e', `${prelude} ${program}`], { encoding: 'utf8', timeout: 10_000 })
  return error?.message ?? stdout
}

const [first = ''] = task.addresses
const ways: Reached['ways'] = {
  'ICMP echo, raw socket': perl(icmp('SOCK_RAW', first)),
  'ICMP echo, datagram socket': perl(icmp('SOCK_DGRAM', first)),
  // 253 is for experiments (RFC 3692).
  'raw IP socket': perl(
    `socket(S, AF_INET, SOCK_RAW, 253) or failed; send(S, "x" x 20, 0, pack_sockaddr_in(0, inet_aton('${first}'))) or failed; print 'sent'`,
  ),
  'link-layer frame': perl(frame(2)),
  mDNS: await tryUdp(mdns.group, mdns.port),
  'unicast DNS to the same host': await tryUdp(first, mdns.port),
  broadcast: await tryUdp('255.255.255.255', 67, true),
  'TCP over IPv6': await tryTcp(task.v6, task.ports[0] ?? 22),
}
const far = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ internal }) => !internal))
ways.interfaces = far.length === 0 ? 'no interface' : 'there are some'
process.stdout.write(`${JSON.stringify({ tcp: await tryAll(), ways } satisfies Reached)}\n`)
