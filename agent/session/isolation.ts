import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * Where a session's programs live (R055, threat T9): a network namespace with nothing but a loopback that is down, so that there is no address, no route and no
 * abstract Unix socket of anybody else (network_namespaces(7)), and a mount namespace whose `/run` is empty: D-Bus, a resolver's cache, a printer's spooler or a
 * container's engine would dial out on a program's behalf, and their sockets are paths, which a network namespace does not take away.
 * No process has to stay for it: the namespaces live as long as the agent holds these descriptors open. One for each session, so sessions do not meet in it.
 */
export type Isolation = {
  /** The argument vector that runs `argv` there as root, from the folder `cwd`. */
  enter(argv: readonly string[], cwd: string): string[]
  /** Covers these places there, and holds what leads to them in its place. Throws `prerequisite.missing {what: 'mount'}`: then no program may be started. */
  cover(places: readonly Covered[]): Promise<void>
  uncover(places: readonly Covered[]): Promise<void>
  close(): void
}

/** `path` and the folders that lead to it from the root of the device's files, links worked out, the outermost first. */
export type Covered = { path: string; above: string[]; kind: 'folder' | 'file' }

const [unshare, nsenter] = ['/usr/bin/unshare', '/usr/bin/nsenter']
const setupMs = 10_000
const run = promisify(execFile)

/**
 * `sockets` are the paths of Unix sockets that the device's owner leaves to sessions, such as that of the device's own software; only those below `/run` need to
 * be named. Mounted by name from the folder that was entered before it was covered (`-c`: the kernel, not mount(8), resolves it).
 */
function setupLines(sockets: readonly string[]): string {
  const kept = sockets.filter((path) => path.startsWith('/run/'))
  return [
    'set -e',
    'mount --make-rslave /',
    'cd /run',
    'mount -t tmpfs -o mode=755,size=256k,nosuid,nodev,noexec none /run',
    ...kept.flatMap((path) => [
      `mkdir -p ${quoted(dirname(path))}`,
      `: > ${quoted(path)}`,
      `if [ -S ${quoted(`./${path.slice('/run/'.length)}`)} ]; then mount -c --bind ${quoted(`./${path.slice('/run/'.length)}`)} ${quoted(path)}; fi`,
    ]),
    'mount -o remount,ro,nosuid,nodev,noexec /run',
    'for folder in /tmp/.X11-unix /tmp/.ICE-unix; do if [ -d $folder ]; then mount -t tmpfs -o ro,mode=755,size=4k none $folder; fi; done',
    'cd /',
    'echo ready',
    'read -r _ || true',
  ].join('\n')
}

/**
 * A folder is covered by an empty one that nobody may enter, a file by nothing. What leads there is mounted onto itself: a mount point can be neither renamed nor removed
 * (EBUSY), so no name of it is free for a next session to miss. A second name of a file (a hard link) would lie beside the cover, so there must be none.
 */
function coverLines(places: readonly Covered[]): string[] {
  const above = [...new Set(places.flatMap((place) => place.above))].sort((a, b) => a.length - b.length)
  return [
    'set -e',
    ...places.filter(({ kind }) => kind === 'folder').map(({ path }) => `[ -z "$(find ${quoted(path)} -xdev -type f -links +1 -print -quit)" ]`),
    ...places.filter(({ kind }) => kind === 'file').map(({ path }) => `[ "$(stat -c %h ${quoted(path)})" = 1 ]`),
    ...above.map((folder) => `mount --bind ${quoted(folder)} ${quoted(folder)}`),
    ...places.flatMap(({ path, kind }) => {
      const mount =
        kind === 'folder' ? `mount -t tmpfs -o ro,mode=000,size=4k,nosuid,nodev,noexec none ${quoted(path)}` : `mount --bind /dev/null ${quoted(path)}`
      return [`before=$(stat -c %d:%i ${quoted(path)})`, mount, `[ "$(stat -c %d:%i ${quoted(path)})" != "$before" ]`]
    }),
  ]
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * Throws `prerequisite.missing {what: 'unshare'}` where this machine cannot make one (no root, no such kernel, a container without the right to it), and when
 * what was made is not what it must be: then no program is started.
 */
export async function openIsolation(sockets: readonly string[] = []): Promise<Isolation> {
  const holder = spawn(unshare, ['--net', '--mount', '--ipc', '--', '/bin/sh', '-c', setupLines(sockets.filter(isAbsolute))], {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    cwd: '/',
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout: setupMs,
    killSignal: 'SIGKILL',
  })
  const over = new Promise<void>((resolve) => holder.once('close', resolve).once('error', resolve))
  holder.stdin.on('error', () => undefined)
  const open: number[] = []
  try {
    const ready = await Promise.race([once(createInterface(holder.stdout), 'line').then(([line]) => line === 'ready'), over.then(() => false)])
    if (!ready || holder.pid === undefined) throw new Error('no namespaces here')
    const [net, mount, ipc] = (['net', 'mnt', 'ipc'] as const).map((name) => openNamespace(holder.pid as number, name, open))
    requireEmpty(holder.pid)
    const at = (fd: number | undefined) => `/proc/${process.pid}/fd/${fd}`
    const enter: Isolation['enter'] = (argv, cwd) => [nsenter, `--net=${at(net)}`, `--mount=${at(mount)}`, `--ipc=${at(ipc)}`, `--wdns=${cwd}`, '--', ...argv]
    return {
      enter,
      cover: (places) => runInside(enter, coverLines(places)),
      uncover: (places) => runInside(enter, ['set -e', ...places.map(({ path }) => `umount ${quoted(path)}`)]),
      close: () => open.splice(0).forEach(closeSync),
    }
  } catch (cause) {
    open.forEach(closeSync)
    throw new AppError('prerequisite.missing', { cause, details: { what: 'unshare' } })
  } finally {
    holder.stdin.end()
    await over
  }
}

async function runInside(enter: Isolation['enter'], lines: readonly string[]): Promise<void> {
  const [file = '', ...args] = enter(['/bin/sh', '-c', lines.join('\n')], '/')
  try {
    await run(file, args, { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }, cwd: '/', timeout: setupMs, killSignal: 'SIGKILL' })
  } catch (cause) {
    throw new AppError('prerequisite.missing', { cause, details: { what: 'mount' } })
  }
}

/** Node opens with O_CLOEXEC: no program inherits the way back. */
function openNamespace(pid: number, name: 'net' | 'mnt' | 'ipc', open: number[]): number {
  const fd = openSync(`/proc/${pid}/ns/${name}`, 'r')
  open.push(fd)
  if (fstatSync(fd).ino === statSync(`/proc/self/ns/${name}`).ino) throw new Error(`the ${name} namespace is the agent's own`)
  return fd
}

/** The static check: no interface but loopback, no route of either family, and another `/run`. */
function requireEmpty(pid: number): void {
  const lines = (file: string) =>
    readFileSync(`/proc/${pid}/net/${file}`, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
  const interfaces = lines('dev')
    .slice(2)
    .map((line) => line.split(':')[0]?.trim())
  if (interfaces.some((name) => name !== 'lo')) throw new Error(`the session's network has ${interfaces.join(' ')}`)
  if (lines('route').length > 1) throw new Error('the session has a route')
  if (statSync(`/proc/${pid}/root/run`).dev === statSync('/run').dev) throw new Error("the session would see the agent's /run")
}
