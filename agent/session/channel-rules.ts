import { type AccessLevel, includesLevel } from '@gantry/shared/profile.ts'
import { subsystems } from '@gantry/shared/session-api.ts'

/** What may be asked of a session channel, and which access level holds it. Deny by default: what is not in the table is refused. */
export type ChannelRequest = { type: 'shell'; pty: boolean } | { type: 'exec'; pty: boolean } | { type: 'subsystem'; name: string; leg: 'first' | 'joined' }

export type Opening = 'shell' | 'menu' | 'exec' | 'sftp' | 'actions' | 'session'

/** What a request opens at this level, or null: refused. */
export function judgeChannel(level: AccessLevel, request: ChannelRequest): Opening | null {
  const opening = openingOf(level, request)
  return opening && includesLevel(level, neededLevel[opening]) ? opening : null
}

const neededLevel: Record<Opening, AccessLevel> = {
  session: 'diagnostics',
  actions: 'diagnostics',
  sftp: 'files',
  menu: 'application',
  exec: 'os',
  shell: 'os',
}

function openingOf(level: AccessLevel, request: ChannelRequest): Opening | null {
  if (request.type === 'exec') return 'exec'
  if (request.type === 'shell') {
    if (level === 'os') return 'shell'
    // The service menu is a program of the device on a terminal; without one it would have nobody to talk to.
    return request.pty ? 'menu' : null
  }
  if (request.name === subsystems.session) return request.leg === 'first' ? 'session' : null
  if (request.name === subsystems.actions) return 'actions'
  return request.name === subsystems.sftp ? 'sftp' : null
}

/** Only what says how text looks; a path, a preload or a proxy set from outside would be a way around everything else. */
const harmlessName = /^(LANG|LC_[A-Z]{1,20})$/
const harmlessValue = /^[A-Za-z0-9_.@-]{1,64}$/

export function isHarmlessEnvironment(name: string, value: string): boolean {
  return harmlessName.test(name) && harmlessValue.test(value)
}

/** The terminal's type goes into an environment and from there into file names of the terminfo database. */
export function isTerminalType(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(text)
}

/** Requests that change nothing and that every OpenSSH client sends by itself; answered as the protocol wants, told to nobody. */
export const silentGlobalRequests: ReadonlySet<string> = new Set(['keepalive@openssh.com', 'no-more-sessions@openssh.com'])
export const silentChannelRequests: ReadonlySet<string> = new Set(['keepalive@openssh.com', 'eow@openssh.com', 'xon-xoff'])
