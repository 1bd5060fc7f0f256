import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceUser, SessionConfig } from './grant.ts'

/**
 * Programs of a session run as the device's user, who shares no group with the agent or the panel and holds no capability, for good: `--no-new-privs`
 * makes set-uid programs ordinary ones (prctl(2)), and the empty bounding set leaves nothing to gain (capabilities(7)).
 * `setpriv` of util-linux does it between fork and exec; node-pty's own `uid` would keep root's supplementary groups.
 */
export type Separation = {
  /** False where programs run as the agent itself. */
  separated: boolean
  user: DeviceUser
  /** The argument vector that runs `argv` as that user. */
  wrap(argv: readonly string[]): { file: string; args: string[] }
}

const setpriv = '/usr/bin/setpriv'
const run = promisify(execFile)

/**
 * Tries it out once. Throws `prerequisite.missing {what: 'setpriv'}` when a user is set and cannot be reached: then no program is started at all,
 * rather than as root.
 */
export async function prepareSeparation({ user }: Pick<SessionConfig, 'user'>): Promise<Separation> {
  if (!user || process.geteuid?.() !== 0) return unseparated()
  const base = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--no-new-privs']
  // Containers may have taken away the right to give up rights.
  const strict = [...base, '--inh-caps=-all', '--bounding-set=-all']
  const options = (await works(strict)) ? strict : base
  if (options === base && !(await works(base))) throw new AppError('prerequisite.missing', { details: { what: 'setpriv' } })
  return { separated: true, user, wrap: (argv) => ({ file: setpriv, args: [...options, '--', ...argv] }) }
}

function unseparated(): Separation {
  const { uid, gid, username, homedir } = userInfo()
  return {
    separated: false,
    user: { uid, gid, name: username, home: homedir },
    wrap: ([file = '', ...args]) => ({ file, args }),
  }
}

async function works(options: string[]): Promise<boolean> {
  return run(setpriv, [...options, '--', '/bin/true'], { env: {}, cwd: '/' }).then(
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
