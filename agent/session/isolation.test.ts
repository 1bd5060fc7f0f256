import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { connect, exec, isRoot, nobody, startTestSession, type TestSession } from '../../test/support/agent-session.ts'
import { openIsolation } from './isolation.ts'
import { prepareSeparation } from './separation.ts'

const servers: Server[] = []
const listen = (options: object) =>
  new Promise<Server>((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end('reached')
    })
    servers.push(server)
    server.listen(options, () => resolve(server))
  })
const python = `
import socket,sys
def attempt(name,act):
    try:
        act(); print(name,'OPEN')
    except OSError as error: print(name,'blocked')
def raw(family,kind,proto=0): return lambda: socket.socket(family,kind,proto)
attempt('packet',raw(socket.AF_PACKET,socket.SOCK_RAW,0x300))
attempt('icmp',raw(socket.AF_INET,socket.SOCK_RAW,1))
def ping():
    s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM,1); s.sendto(bytes([8,0,0,0,0,0,0,0]),('127.0.0.1',0))
attempt('ping',ping)
def mdns():
    s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b'x'*12,('224.0.0.251',5353))
attempt('mdns',mdns)
def broadcast():
    s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET,socket.SO_BROADCAST,1); s.sendto(b'x',('255.255.255.255',67))
attempt('broadcast',broadcast)
def abstract():
    s=socket.socket(socket.AF_UNIX); s.connect('\\0gantry-isolation-test')
attempt('abstract',abstract)
def path():
    s=socket.socket(socket.AF_UNIX); s.connect('/run/gantry-isolation-test.sock')
attempt('path',path)
`
/** Each is a way out that a user without capabilities may try; it prints OPEN where it led somewhere. */
const escapes: Record<string, string> = {
  'entering the first network namespace': 'nsenter --net=/proc/1/ns/net true && echo OPEN',
  'entering that of the agent': 'for p in /proc/[0-9]*; do nsenter --net=$p/ns/net grep -q : /proc/net/route 2>/dev/null && echo OPEN; done',
  'a user namespace of its own, in which it is root, and the agent’s network': 'unshare -Ur nsenter --net=/proc/1/ns/net true && echo OPEN',
  'root of a user namespace, who lifts what covers /run': 'unshare -Urm umount /run && echo OPEN',
  'root of a user namespace, who sets the loopback up': 'unshare -Ur ip link set lo up && echo OPEN',
  'following a process to the files of the agent': 'ls /proc/1/root/ && echo OPEN',
  'a set-user-id program': 'mount -t tmpfs none /mnt && echo OPEN',
  'the system’s D-Bus, its services and its resolver':
    'for s in /run/dbus/system_bus_socket /run/systemd/private /run/nscd/socket /run/docker.sock; do [ -e $s ] && echo OPEN; done',
  'a program that a daemon starts later': 'echo "* * * * * true" | crontab - 2>/dev/null && echo OPEN',
}

describe.skipIf(!isRoot)('the network of a session’s programs', () => {
  let session: TestSession | null = null
  afterEach(async () => {
    await session?.close()
    session = null
    for (const server of servers.splice(0)) server.close()
  })

  test('is empty: no address, no route, nothing on this machine, no name, no raw packet, no multicast, no socket of anybody else (R055, D35)', async () => {
    const tcp = await listen({ host: '127.0.0.1', port: 0 })
    await listen({ path: '\0gantry-isolation-test' })
    await listen({ path: '/run/gantry-isolation-test.sock', writableAll: true })
    const { port } = tcp.address() as { port: number }
    const before = spawnSync('/usr/bin/python3', ['-c', python], { encoding: 'utf8' }).stdout
    expect(before).toContain('abstract OPEN')
    expect(before).toContain('path OPEN')
    session = startTestSession()
    const client = await connect(session)
    const { stdout } = await exec(
      client,
      `/usr/bin/python3 - <<'end'\n${python}\nend\n(exec 3<>/dev/tcp/127.0.0.1/${port}) && echo tcp OPEN; wc -l < /proc/net/route; ls /run | grep -v '^mount$'`,
    )
    const said = stdout.toString()
    expect(said).not.toContain('OPEN')
    expect(said.match(/blocked/g)).toHaveLength(7)
    expect(said.trim().split('\n').at(-1)).toBe('0')
  })

  test('cannot be left by a user without capabilities, whichever way is tried (R055, T9)', async () => {
    session = startTestSession()
    const client = await connect(session)
    for (const [way, command] of Object.entries(escapes)) {
      const { stdout } = await exec(client, command)
      expect(stdout.toString(), way).not.toContain('OPEN')
    }
  })

  test('no process of another account can be followed or changed from it', async () => {
    session = startTestSession()
    const client = await connect(session)
    const { stdout } = await exec(
      client,
      `cat /proc/${process.pid}/environ && echo OPEN; ls /proc/${process.pid}/fd && echo OPEN; echo > /proc/${process.pid}/mem && echo OPEN; kill ${process.pid} && echo OPEN`,
    )
    expect(stdout.toString()).toBe('')
  })

  test('is the same for shell, exec and service menu, and another in the next session', async () => {
    session = startTestSession()
    const client = await connect(session)
    const name = async () => (await exec(client, 'readlink /proc/self/ns/net')).stdout.toString()
    const first = await name()
    expect(await name()).toBe(first)
    // While the first one is there: a number that is free again is given again.
    const next = startTestSession()
    const other = await exec(await connect(next), 'readlink /proc/self/ns/net').finally(() => next.close())
    expect(other.stdout.toString()).not.toBe(first)
    expect(other.stdout.toString()).toMatch(/^net:\[\d+\]\n$/)
  })

  test('keeps the one socket that the device’s owner lists, and only that', async () => {
    await listen({ path: '/run/gantry-kept.sock', writableAll: true })
    await listen({ path: '/run/gantry-other.sock', writableAll: true })
    session = startTestSession({ config: { sockets: ['/run/gantry-kept.sock'] } })
    const { stdout } = await exec(
      await connect(session),
      `/usr/bin/python3 -c "
import socket
s=socket.socket(socket.AF_UNIX); s.connect('/run/gantry-kept.sock'); print(s.recv(20).decode())"; ls /run | grep -v '^mount$'`,
    )
    expect(stdout.toString()).toBe('reached\ngantry-kept.sock\n')
  })

  test('what is tried from it at the start is signed into the audit: all blocked, the addresses private (D35)', async () => {
    session = startTestSession()
    await connect(session)
    let found = session.audited().find(({ event }) => event.kind === 'session.probed')
    for (; !found; found = session.audited().find(({ event }) => event.kind === 'session.probed')) await sleep(50)
    const { tried, blocked, failed } = found.event.data ?? {}
    expect(failed).toBeUndefined()
    expect(tried).toBeGreaterThan(4)
    expect(blocked).toBe(tried)
    expect(JSON.stringify(found.event)).not.toContain('203.0.113.1')
    expect(found.private?.tries).toContain('tcp 203.0.113.1:443 ENETUNREACH')
    expect(session.panel.find((message) => message.type === 'session.changed' && message.change.probed)).toMatchObject({
      change: { probed: { tried, blocked } },
    })
  })

  test('nothing is started where what was set up cannot be had: no program, rather than one on the hospital’s network', async () => {
    const { close, enter } = await openIsolation()
    close()
    const [file = '', ...args] = enter(['/bin/echo', 'started'], '/')
    expect(spawnSync(file, args, { encoding: 'utf8' }).stdout).toBe('')
    const separation = await prepareSeparation({ user: nobody, network: 'none', sockets: [] })
    separation.close()
    const { file: program, args: rest } = separation.wrap(['/bin/echo', 'started'], '/')
    expect(spawnSync(program, rest, { encoding: 'utf8' }).stdout).toBe('')
  })
})

test.skipIf(!isRoot)('a file in place of the owner’s socket is no socket in the session', async () => {
  const folder = mkdtempSync('/run/gantry-no-socket-')
  const isolation = await openIsolation([`${folder}/none.sock`])
  const [file = '', ...args] = isolation.enter(['/bin/sh', '-c', `[ -S ${folder}/none.sock ] && echo socket`], '/')
  expect(spawnSync(file, args, { encoding: 'utf8' }).stdout).toBe('')
  isolation.close()
  rmSync(folder, { recursive: true })
})
