import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { CallName, Calls, LockState } from '@gantry/shared/ipc.ts'

export type Lock = {
  state(): LockState
  /** The person did something. Without effect while locked. */
  touch(): void
  /** At once, as when the computer itself is locked. Without effect where there is nobody to lock out. */
  now(): void
  /** Resolves when the person has confirmed who they are. Errors: `auth.*`, `server.*`; it stays locked then. */
  open(): Promise<void>
  /** To be called each second. */
  look(): void
}
export type LockTools = {
  profileDir: string
  minutes: () => number
  /** Somebody is signed in, or was and has a session open. */
  isIn: () => boolean
  confirm: () => Promise<unknown>
  onChange: (state: LockState) => void
  /** Milliseconds since 1970. */
  now: () => number
}

/**
 * The lock over a window that nobody touches (T4). It is kept here and not in the page, so that loading the page again does not open it, and marked in the
 * profile, so that starting the app again does not either.
 */
export function createLock({ profileDir, minutes, isIn, confirm, onChange, now }: LockTools): Lock {
  const mark = join(profileDir, 'locked')
  let touchedMs = now()
  let sinceMs = existsSync(mark) ? now() : null
  const state = (): LockState => ({ locked: sinceMs !== null, sinceMs })
  const lock = () => {
    if (sinceMs !== null || !isIn()) return
    sinceMs = now()
    onChange(state())
    writeFileSync(mark, '', { mode: 0o600 })
  }
  return {
    state,
    touch() {
      if (sinceMs === null) touchedMs = now()
    },
    now: lock,
    async open() {
      if (sinceMs === null) return
      // Who is signed in no more has nothing here to be kept from others: what comes up is the sign-in.
      if (isIn())
        await confirm().catch((error: unknown) => {
          if (isIn()) throw error
        })
      rmSync(mark, { force: true })
      sinceMs = null
      touchedMs = now()
      onChange(state())
    },
    look() {
      // A clock that was set back must not put the lock off.
      touchedMs = Math.min(touchedMs, now())
      if (now() - touchedMs >= minutes() * 60_000) lock()
    },
  }
}

/** What a page may ask while it is locked: what it needs to draw the lock and stay as it is. Everything else shows or does something. */
const whileLocked: ReadonlySet<CallName> = new Set<CallName>([
  ...(['app.describe', 'lock.touch', 'lock.open', 'sign-in.cancel'] as const),
  ...(['device.list', 'keys.status', 'request.list', 'session.list', 'transfer.list', 'update.status'] as const),
  ...(['terminal.drawn', 'terminal.resize', 'terminal.close'] as const),
])

/** The same handlers, of which most throw `auth.locked` while it is locked. */
export function lockHandlers(handlers: Handlers<Calls, unknown>, isLocked: () => boolean): Handlers<Calls, unknown> {
  const guarded = Object.entries(handlers).map(([name, handle]) => {
    const answer = (input: never, context: unknown) => {
      if (isLocked() && !whileLocked.has(name as CallName)) throw new AppError('auth.locked')
      return (handle as (input: never, context: unknown) => unknown)(input, context)
    }
    return [name, answer]
  })
  return Object.fromEntries(guarded)
}
