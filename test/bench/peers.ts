import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { run } from '../e2e/support/sandbox.ts'
import type { Roots } from './cpu.ts'

/**
 * What a person would use instead, started by the bench itself: OpenSSH servers with keys, settings and a home of their own, and a stunnel pair. AES-128-GCM for
 * all, the fastest that OpenSSH has. The account is that of whoever runs the bench; its own files are not touched.
 */
export type PeerName = 'direct' | 'jump' | 'reverse' | 'stunnel'
export const peerWords: Record<PeerName, string> = {
  direct: 'OpenSSH direct',
  jump: '`ssh -J`',
  reverse: '`ssh -R` + `-J`',
  stunnel: 'ssh through stunnel',
}
export type Peers = {
  dir: string
  /** Arguments for `ssh` and `sftp` that reach the device this way. */
  argv(peer: PeerName, ...more: string[]): string[]
  /** The port of the device's own sshd. */
  devicePort: number
  /** What each peer lacks on this machine; nothing when it is there. */
  missing: Partial<Record<PeerName, string>>
  roots: Roots
  close(): void
}

export async function startPeers(dir: string): Promise<Peers> {
  mkdirSync(join(dir, 'home'), { recursive: true })
  const children: ChildProcess[] = []
  const roots: Roots = {}
  const start = (name: string, program: string, ...argv: string[]) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH ?? '' } })
    child.stderr.resume()
    children.push(child)
    roots[name] = child.pid ?? 0
  }
  const close = () => {
    for (const child of children) child.kill()
  }
  const [sshd, stunnel] = [findProgram('sshd'), findProgram('stunnel4') ?? findProgram('stunnel')]
  const [devicePort, jumpPort, reversePort, stunnelIn, stunnelOut] = (await freePorts(5)) as [number, number, number, number, number]
  const missing: Peers['missing'] = {}
  const peers: Peers = {
    ...{ dir, devicePort, missing, roots, close },
    argv: (peer, ...more) => ['-F', join(dir, 'ssh_config'), ...more, peer],
  }
  if (!sshd) {
    for (const name of Object.keys(peerWords) as PeerName[]) missing[name] = 'peer missing: openssh-server'
    return peers
  }
  try {
    await makeKeys(dir)
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
    writeClientConfig(dir, { devicePort, jumpPort, reversePort, stunnelOut })
    for (const [name, port] of [
      ['sshd of the device', devicePort],
      ['sshd between', jumpPort],
    ] as const) {
      const config = writeServerConfig(dir, port)
      start(name, sshd, '-D', '-e', '-f', config)
      await reachable(port)
    }
    start(
      'ssh -R',
      'ssh',
      '-F',
      join(dir, 'ssh_config'),
      '-N',
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      `127.0.0.1:${reversePort}:127.0.0.1:${devicePort}`,
      'between',
    )
    await reachable(reversePort)
    if (stunnel) {
      const [inside, outside] = await writeStunnelConfigs(dir, { devicePort, stunnelIn, stunnelOut })
      start('stunnel of the device', stunnel, inside)
      start('stunnel of the client', stunnel, outside)
      await Promise.all([reachable(stunnelIn), reachable(stunnelOut)])
    } else missing.stunnel = 'peer missing: stunnel4'
    return peers
  } catch (error) {
    close()
    throw error
  }
}

/** sshd and stunnel are not on everybody's PATH. */
function findProgram(name: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin']
  return folders.map((folder) => join(folder, name)).find(canRun) ?? null
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function makeKeys(dir: string): Promise<void> {
  for (const name of ['host', 'user']) {
    const made = await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(dir, name)], { input: '' }).done
    if (made.code !== 0) throw new Error(made.stderr)
  }
}

/** An empty home, or the account's own start files would be measured. */
function writeServerConfig(dir: string, port: number): string {
  const path = join(dir, `sshd_${port}`)
  const sftpServer = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server'].find(canRun) ?? 'internal-sftp'
  const lines = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${join(dir, 'host')}`, `PidFile ${path}.pid`, `AuthorizedKeysFile ${join(dir, 'user.pub')}`],
    ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password', 'StrictModes no', 'UsePAM no', 'UseDNS no'],
    ...['PrintMotd no', 'PrintLastLog no', 'MaxStartups 100', 'AllowTcpForwarding yes', 'Compression no'],
    ...[`Subsystem sftp ${sftpServer}`, `SetEnv HOME=${join(dir, 'home')}`],
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

type Ports = { devicePort: number; jumpPort: number; reversePort: number; stunnelOut: number }

function writeClientConfig(dir: string, { devicePort, jumpPort, reversePort, stunnelOut }: Ports): void {
  const host = (name: string, port: number, ...more: string[]) => [`Host ${name}`, ' HostName 127.0.0.1', ` Port ${port}`, ...more.map((line) => ` ${line}`)]
  const lines = [
    ...host('between', jumpPort),
    ...host('direct', devicePort),
    ...host('jump', devicePort, 'ProxyJump between'),
    ...host('reverse', reversePort, 'ProxyJump between'),
    ...host('stunnel', stunnelOut),
    'Host *',
    ...[` User ${userInfo().username}`, ` IdentityFile ${join(dir, 'user')}`, ' IdentitiesOnly yes', ' IdentityAgent none', ' BatchMode yes'],
    ...[' StrictHostKeyChecking no', ' UserKnownHostsFile /dev/null', ' GlobalKnownHostsFile /dev/null', ' LogLevel ERROR'],
    ...[' Compression no', ' ControlMaster no', ' ControlPath none', ' GSSAPIAuthentication no', ' Ciphers aes128-gcm@openssh.com'],
  ]
  writeFileSync(join(dir, 'ssh_config'), `${lines.join('\n')}\n`)
}

async function writeStunnelConfigs(dir: string, ports: { devicePort: number; stunnelIn: number; stunnelOut: number }): Promise<[string, string]> {
  const issued = await issueServerCertificate(await createCa('Bench'), { hosts: ['127.0.0.1'] })
  writeFileSync(join(dir, 'stunnel.pem'), `${issued.keyPem}\n${issued.certificatePem}`, { mode: 0o600 })
  const head = ['foreground = yes', 'pid =', 'syslog = no', `output = ${join(dir, 'stunnel.log')}`, 'socket = l:TCP_NODELAY=1', 'socket = r:TCP_NODELAY=1']
  const write = (name: string, ...lines: string[]) => {
    const path = join(dir, name)
    writeFileSync(path, `${[...head, ...lines].join('\n')}\n`)
    return path
  }
  const inside = [`accept = 127.0.0.1:${ports.stunnelIn}`, `connect = 127.0.0.1:${ports.devicePort}`, `cert = ${join(dir, 'stunnel.pem')}`]
  return [
    write('stunnel-in', '[in]', ...inside),
    write('stunnel-out', '[out]', 'client = yes', `accept = 127.0.0.1:${ports.stunnelOut}`, `connect = 127.0.0.1:${ports.stunnelIn}`),
  ]
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port}`)
}
