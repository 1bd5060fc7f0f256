import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute } from 'node:path'
import { createInterface } from 'node:readline'
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
  close(): void
}

const [unshare, nsenter] = ['/usr/bin/unshare', '/usr/bin/nsenter']
const setupMs = 10_000

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
    return {
      enter: (argv, cwd) => [nsenter, `--net=${at(net)}`, `--mount=${at(mount)}`, `--ipc=${at(ipc)}`, `--wdns=${cwd}`, '--', ...argv],
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
