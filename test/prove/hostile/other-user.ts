import { spawnSync } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { connect } from 'node:net'
import { stdin, stdout } from 'node:process'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import type { Belongings, Let } from './other-user-api.ts'

/** Another account of the machine, which tries everything that it is told of on standard input, and says in one line of JSON what let it in. */
const { files, folders, sockets, abstract, ports, pids, buses } = JSON.parse(await text(stdin)) as Belongings
const answerMs = 2_000

function works(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

function opens(path: string, flags: number): boolean {
  return works(() => closeSync(openSync(path, flags | constants.O_NONBLOCK)))
}

/** One octet, since some files of proc(5) open for everybody and say no when they are read. */
function reads(path: string): boolean {
  return works(() => {
    const file = openSync(path, constants.O_RDONLY)
    try {
      readSync(file, Buffer.alloc(1), 0, 1, path.endsWith('/mem') ? firstMapped(path) : null)
    } finally {
      closeSync(file)
    }
  })
}

function firstMapped(path: string): bigint {
  const maps = readFileSync(path.replace(/mem$/, 'maps'), 'latin1')
  return BigInt(`0x${/^([0-9a-f]+)-/.exec(maps)?.[1]}`)
}

function connects(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (came: boolean) => {
      resolve(came)
      socket.destroy()
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    setTimeout(end, answerMs, false).unref()
  })
}

function openingsOf(pid: number): { tried: number; found: string[] } {
  const at = (name: string) => `/proc/${pid}/${name}`
  const read = ['environ', 'mem', 'maps', 'smaps', 'auxv', 'io', 'stack', 'syscall', 'pagemap', 'personality'].filter((name) => reads(at(name)))
  const listed = ['fd', 'map_files'].filter((name) => works(() => readdirSync(at(name))))
  const followed = ['root', 'cwd', 'exe', 'ns/net', 'ns/mnt'].filter((name) => works(() => readlinkSync(at(name))))
  const written = ['mem', 'oom_score_adj', 'clear_refs', 'comm'].filter((name) => opens(at(name), constants.O_WRONLY))
  return { tried: 21, found: [...read, ...listed, ...followed, ...written.map((name) => `${name} to write`)].map(at) }
}

/** ptrace(2): PTRACE_SEIZE is 0x4206, which leaves the other one running; call 101 of x86-64, 117 of arm64. */
function traces(pid: number): boolean {
  const call = process.arch === 'arm64' ? 117 : 101
  return spawnSync('/usr/bin/perl', ['-e', `exit(syscall(${call}, 0x4206, ${pid}, 0, 0) == 0 ? 0 : 1)`]).status === 0
}

/** Everything of System V is listed with its rights, and POSIX has files. */
function shared(): { tried: number; found: string[] } {
  const systemV = ['shm', 'sem', 'msg'].flatMap((kind) => {
    const [, ...rows] = readFileSync(`/proc/sysvipc/${kind}`, 'utf8').trimEnd().split('\n')
    return rows.map((line) => ({ name: `${kind} ${line.trim().split(/\s+/)[1]}`, mode: Number.parseInt(line.trim().split(/\s+/)[2] ?? '', 8) }))
  })
  const posix = ['/dev/shm', '/dev/mqueue'].flatMap((folder) => {
    const names: string[] = []
    works(() => names.push(...readdirSync(folder)))
    return names.map((name) => `${folder}/${name}`)
  })
  const open = posix.filter((path) => opens(path, constants.O_RDONLY) || opens(path, constants.O_WRONLY))
  return { tried: systemV.length + posix.length, found: [...systemV.filter(({ mode }) => (mode & 0o006) !== 0).map(({ name }) => name), ...open] }
}

function answers(bus: string): boolean {
  const list = ['--print-reply', '--reply-timeout=2000', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets']
  const get = ['org.freedesktop.DBus.Properties.Get', 'string:org.freedesktop.Secret.Service', 'string:Collections']
  return spawnSync('/usr/bin/dbus-send', [`--bus=${bus}`, ...list, ...get], { timeout: 5_000 }).status === 0
}

/** What a door says to somebody without any secret, to each of these questions: in clear, else over TLS without a certificate of one's own. */
const paths = ['/', '/1/', '/start?key=guessed', '/1/socket']
async function knock(port: number): Promise<string> {
  const clear = await Promise.all(paths.map((path) => hear(connect(port, '127.0.0.1'), questionOf(path, port), 'connect')))
  if (clear.every((answer) => answer.startsWith('HTTP'))) return clear.map(statusOf).join(' ')
  const tls = await hear(connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }), questionOf('/', port), 'secureConnect')
  return `TLS ${tls.startsWith('HTTP') ? statusOf(tls) : tls || 'closed'}`
}

const questionOf = (path: string, port: number) => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`
const statusOf = (answer: string) => answer.split(' ')[1] ?? ''

function hear(socket: ReturnType<typeof connect>, question: string, ready: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const end = (what: string) => {
      resolve(what)
      socket.destroy()
    }
    socket.once(ready, () => socket.write(question))
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => end(heard || (error.code ?? 'refused')))
    socket.once('close', () => end(heard))
    setTimeout(end, answerMs, 'silence').unref()
  })
}

const filtered = async (all: string[], test: (one: string) => Promise<boolean>) => {
  const verdicts = await Promise.all(all.map(test))
  return all.filter((_one, at) => verdicts[at])
}

const openings = pids.map(openingsOf)
const said: Let = {
  read: { tried: files.length + folders.length, found: [...files.filter(reads), ...folders.filter((path) => works(() => readdirSync(path)))] },
  write: {
    tried: files.length + folders.length,
    found: [...files, ...folders].filter((path) => works(() => accessSync(path, constants.W_OK))),
  },
  connect: {
    tried: sockets.length + abstract.length,
    found: [...(await filtered(sockets, connects)), ...(await filtered(abstract, (name) => connects(`\0${name}`)))],
  },
  process: { tried: openings.reduce((sum, { tried }) => sum + tried, 0), found: openings.flatMap(({ found }) => found) },
  trace: {
    tried: 2 * pids.length,
    found: [...pids.filter((pid) => works(() => process.kill(pid, 0))).map((pid) => `signal ${pid}`), ...pids.filter(traces).map((pid) => `ptrace ${pid}`)],
  },
  shared: shared(),
  keyring: { tried: buses.length, found: buses.filter(answers) },
  doors: Object.fromEntries(await Promise.all(ports.map(async (port) => [port, await knock(port)] as const))),
}
stdout.write(`${JSON.stringify(said)}\n`, () => process.exit(0))
