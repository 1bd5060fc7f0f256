import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceUser, SessionConfig } from './grant.ts'
import { type Isolation, openIsolation } from './isolation.ts'

/**
 * Programs of a session run as the device's user, who shares no group with the agent or the panel and holds no capability, for good: `--no-new-privs`
 * makes set-uid programs ordinary ones (prctl(2)), and the empty bounding set leaves nothing to gain (capabilities(7)).
 * `setpriv` of util-linux does it between fork and exec; node-pty's own `uid` would keep root's supplementary groups.
 */
export type Separation = {
  /** False where programs run as the agent itself. */
  separated: boolean
  /** The namespaces that its programs live in; null where they have the agent's own network. */
  isolation: Isolation | null
  user: DeviceUser
  /** The argument vector that runs `argv` as that user, from the folder `cwd`. */
  wrap(argv: readonly string[], cwd: string): { file: string; args: string[] }
  close(): void
}

const setpriv = '/usr/bin/setpriv'
const run = promisify(execFile)

/**
 * Tries it out once. Throws `prerequisite.missing {what: 'setpriv' or 'unshare'}` when a user, or a network apart, is set and cannot be had: then no program is
 * started at all, rather than as root or on the hospital's network.
 */
export async function prepareSeparation({ user, network, sockets }: Pick<SessionConfig, 'user' | 'network' | 'sockets'>): Promise<Separation> {
  if (!user || process.geteuid?.() !== 0) return unseparated()
  const options = await wayTo(user)
  const isolation = network === 'none' ? await openIsolation(sockets) : null
  const argvOf = (argv: readonly string[], cwd: string) => {
    const asUser = [setpriv, ...options, '--', ...argv]
    return isolation ? isolation.enter(asUser, cwd) : asUser
  }
  const separation: Separation = {
    ...{ separated: true, user, isolation },
    wrap(argv, cwd) {
      const [file = '', ...args] = argvOf(argv, cwd)
      return { file, args }
    },
    close: () => isolation?.close(),
  }
  const { file, args } = separation.wrap(['/bin/true'], '/')
  if (await starts(file, args)) return separation
  separation.close()
  throw new AppError('prerequisite.missing', { details: { what: 'nsenter' } })
}

/** Whether this machine can give sessions a network of their own: asked once, when the agent starts, and then relied on. */
export async function canIsolate(): Promise<boolean> {
  if (process.geteuid?.() !== 0) return false
  try {
    const isolation = await openIsolation()
    const [file = '', ...args] = isolation.enter(['/bin/true'], '/')
    return await starts(file, args).finally(isolation.close)
  } catch {
    return false
  }
}

async function wayTo(user: DeviceUser): Promise<string[]> {
  const base = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--no-new-privs']
  // Containers may have taken away the right to give up rights.
  const strict = [...base, '--inh-caps=-all', '--bounding-set=-all']
  const options = (await works(strict)) ? strict : base
  if (options === base && !(await works(base))) throw new AppError('prerequisite.missing', { details: { what: 'setpriv' } })
  return options
}

function unseparated(): Separation {
  const { uid, gid, username, homedir } = userInfo()
  return {
    separated: false,
    isolation: null,
    user: { uid, gid, name: username, home: homedir },
    wrap: ([file = '', ...args]) => ({ file, args }),
    close: () => undefined,
  }
}

const works = (options: string[]) => starts(setpriv, [...options, '--', '/bin/true'])

async function starts(file: string, args: string[]): Promise<boolean> {
  return run(file, args, { env: {}, cwd: '/' }).then(
    () => true,
    () => false,
  )
}

export const sessionMark = 'GANTRY_SESSION'

/** All that a program of a session inherits. Nothing of the agent's own environment is in it. */
export function cleanEnvironment({
  user,
  shell,
  mark,
  locale,
}: {
  user: DeviceUser
  shell: string
  mark: string
  locale: Record<string, string>
}): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    ...locale,
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    SHELL: shell,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    [sessionMark]: mark,
  }
}
