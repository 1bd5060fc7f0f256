import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Real proxies, each in a folder and on ports of its own. */
export type ProxyProgram = {
  port: number
  /** What it wrote down of each CONNECT, oldest first; empty for one that keeps no such log. */
  requests(): string[]
  stop(): Promise<void>
  /** After `stop`: the same one again. */
  start(): Promise<void>
}

export const account = { user: 'device', password: 'horse7battery' } as const
/** That password as `openssl passwd -apr1` writes it, which is what squid's helper for Basic reads. */
const apr1 = '$apr1$hospital$Wc7Z/rNwXVOfbbKM8b12e0'
const realm = 'hospital'

export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

type Program = { name: string; argv: string[]; port: number; host?: string; log?: string; folder: string; env?: Record<string, string> }

const folders: string[] = []
const running = new Set<ChildProcess>()

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'proxy-'))
  // squid and tinyproxy leave root behind and write as users of their own.
  chmodSync(folder, 0o777)
  folders.push(folder)
  return folder
}

/** Ends whatever a test left running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(end))
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

async function end(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  // Not at once by SIGKILL: squid would leave its shared memory behind.
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await exited
  clearTimeout(late)
}

async function run({ name, argv, port, host = '127.0.0.1', log, folder, env }: Program): Promise<ProxyProgram> {
  let child: ChildProcess
  const start = async () => {
    const output: string[] = []
    child = spawn(findProgram(name), argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    const one = child
    running.add(one)
    one.once('exit', () => running.delete(one))
    for (const stream of [one.stdout, one.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)))
    while (!(await answers(port, host))) {
      if (!running.has(one)) throw new Error(`${name} does not start: ${output.join('')}`)
      await sleep(50)
    }
  }
  await start()
  return {
    port,
    start,
    stop: () => end(child),
    requests: () =>
      log && existsSync(log)
        ? readFileSync(log, 'utf8')
            .trimEnd()
            .split('\n')
            .filter((line) => line.startsWith('CONNECT '))
        : [],
  }
}

/** Debian keeps squid where only root looks. */
function findProgram(name: string): string {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return places.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name
}

async function answers(port: number, host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ port, host })
  socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  const answered = await promise
  socket.destroy()
  return answered
}

export type SquidWith = {
  /** Ports that CONNECT may name; squid's own configuration says 443. */
  allowed: readonly number[]
  auth?: 'basic' | 'digest'
  host?: string
  /** PEM files of the proxy's own certificate: its port speaks TLS. */
  tls?: { cert: string; key: string }
  /** Names that it knows beside DNS. */
  names?: Readonly<Record<string, string>>
}

export async function startSquid({ allowed, auth, host = '127.0.0.1', tls, names = {} }: SquidWith): Promise<ProxyProgram> {
  const folder = newFolder()
  const port = await freePort(host)
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o644 })
    return join(folder, name)
  }
  const helper = (name: string) =>
    ['/usr/lib/squid', '/usr/lib64/squid', '/opt/homebrew/opt/squid/libexec'].map((at) => join(at, name)).find((at) => existsSync(at))
  const { user, password } = account
  const digest = createHash('md5').update(`${user}:${realm}:${password}`).digest('hex')
  const known = {
    basic: () => [
      `auth_param basic program ${helper('basic_ncsa_auth')} ${file('users', `${user}:${apr1}\n`)}`,
      `auth_param basic realm ${realm}`,
      // A wrong password is judged anew each time, as a directory does that locks accounts.
      'auth_param basic credentialsttl 1 second',
    ],
    digest: () => [
      `auth_param digest program ${helper('digest_file_auth')} -c ${file('users', `${user}:${realm}:${digest}\n`)}`,
      `auth_param digest realm ${realm}`,
    ],
  }
  const log = join(folder, 'access.log')
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const lines = [
    tls ? `https_port ${place} tls-cert=${tls.cert} tls-key=${tls.key}` : `http_port ${place}`,
    ...[
      'visible_hostname proxy.hospital.example',
      'pid_filename none',
      'cache deny all',
      'cache_mem 1 MB',
      'shutdown_lifetime 0 seconds',
      'dns_timeout 1 second',
    ],
    `hosts_file ${file(
      'hosts',
      Object.entries(names)
        .map(([name, address]) => `${address} ${name}\n`)
        .join(''),
    )}`,
    `coredump_dir ${folder}`,
    `cache_log ${join(folder, 'cache.log')}`,
    'logformat connects %rm %ru %>Hs %un',
    `access_log stdio:${log} logformat=connects`,
    'buffered_logs off',
    ...(auth ? known[auth]() : []),
    `acl SSL_ports port ${allowed.join(' ')}`,
    'http_access deny !CONNECT',
    'http_access deny CONNECT !SSL_ports',
    ...(auth ? ['acl known proxy_auth REQUIRED', 'http_access deny !known'] : []),
    'http_access allow all',
  ]
  // A name of its own, or several on one machine would share their memory.
  return run({ name: 'squid', argv: ['-N', '-f', file('squid.conf', `${lines.join('\n')}\n`), '-n', `t${process.pid}x${port}`], port, host, log, folder })
}

export async function startTinyproxy({ allowed, idleSeconds }: { allowed: readonly number[]; idleSeconds: number }): Promise<ProxyProgram> {
  const folder = newFolder()
  const port = await freePort()
  const lines = [
    ...[
      `Port ${port}`,
      'Listen 127.0.0.1',
      `Timeout ${idleSeconds}`,
      'Allow 127.0.0.1',
      'MaxClients 50',
      'LogLevel Connect',
      `LogFile "${join(folder, 'log')}"`,
    ],
    `BasicAuth ${account.user} ${account.password}`,
    ...allowed.map((one) => `ConnectPort ${one}`),
  ]
  const conf = join(folder, 'tinyproxy.conf')
  writeFileSync(conf, `${lines.join('\n')}\n`)
  return run({ name: 'tinyproxy', argv: ['-d', '-c', conf], port, folder })
}

/** A proxy that opens TLS: it answers with certificates of its own authority. */
export async function startMitmproxy(): Promise<ProxyProgram> {
  const folder = newFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'conf'))
  const argv = ['--listen-host', '127.0.0.1', '--listen-port', String(port), '--set', `confdir=${join(folder, 'conf')}`, '--ssl-insecure', '--quiet']
  return run({ name: 'mitmdump', argv, port, folder, env: { HOME: folder } })
}
