import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { CallName, LockState } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startClientWorld } from '../../test/support/client-world.ts'
import { createServices } from './create-services.ts'
import { createLock, type Lock, type LockTools } from './lock.ts'

let profileDir: string
let nowMs: number
let isIn: boolean
let told: LockState[]
let confirm: () => Promise<unknown>
beforeEach(() => {
  profileDir = mkdtempSync(join(tmpdir(), 'lock-'))
  nowMs = 1_800_000_000_000
  isIn = true
  told = []
  confirm = async () => undefined
})
afterEach(() => rmSync(profileDir, { recursive: true, force: true }))

const start = (change: Partial<LockTools> = {}): Lock =>
  createLock({ profileDir, minutes: () => 10, isIn: () => isIn, confirm: () => confirm(), onChange: (state) => told.push(state), now: () => nowMs, ...change })
const pass = (lock: Lock, minutes: number) => {
  for (let second = 0; second < minutes * 60; second++) {
    nowMs += 1_000
    lock.look()
  }
}

describe('the lock over a window that nobody touches (T4)', () => {
  test('comes after the minutes of the setting without input, and input puts it off', () => {
    const lock = start()
    pass(lock, 9)
    lock.touch()
    pass(lock, 9)
    expect(lock.state()).toEqual({ locked: false, sinceMs: null })
    pass(lock, 1)
    expect(lock.state()).toEqual({ locked: true, sinceMs: nowMs })
    expect(told).toHaveLength(1)
  })

  test('comes at once with the lock of the computer', () => {
    const lock = start()
    lock.now()
    expect(lock.state().locked).toBe(true)
  })

  test('comes after a computer has slept, and a clock that is set back does not put it off', () => {
    const asleep = start()
    nowMs += 3_600_000
    asleep.look()
    expect(asleep.state().locked).toBe(true)
    rmSync(join(profileDir, 'locked'))
    const lock = start()
    nowMs -= 86_400_000
    lock.look()
    pass(lock, 10)
    expect(lock.state().locked).toBe(true)
  })

  test('does not come over a window where nobody is signed in', () => {
    isIn = false
    const lock = start()
    pass(lock, 60)
    lock.now()
    expect(lock.state().locked).toBe(false)
  })

  test('opens to the person alone: not to input, not to a sign-in that failed, and the time begins anew', async () => {
    const lock = start()
    lock.now()
    lock.touch()
    confirm = () => Promise.reject(new AppError('auth.other-person'))
    await expect(lock.open()).rejects.toMatchObject({ code: 'auth.other-person' })
    expect(lock.state().locked).toBe(true)
    confirm = async () => undefined
    nowMs += 3_600_000
    await lock.open()
    lock.look()
    expect(lock.state().locked).toBe(false)
  })

  test('is still there when the app is started again, and gone once it was opened', async () => {
    start().now()
    const again = start()
    expect(again.state().locked).toBe(true)
    await again.open()
    expect(start().state().locked).toBe(false)
  })

  test('gives way to the sign-in where nobody is signed in any more', async () => {
    const lock = start()
    lock.now()
    confirm = () => {
      isIn = false
      return Promise.reject(new AppError('auth.session-expired'))
    }
    await lock.open()
    expect(lock.state().locked).toBe(false)
  })
})

test('a page that is locked is answered nothing that shows or does something, also when it is loaded anew (T4)', async () => {
  const world = await startClientWorld()
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const options = { profileDir: world.profileDir, mainServer: world.origin, ca: world.ca, secretStore: world.store, openBrowser: () => undefined, about }
  const services = await createServices({ ...options, party: 'desktop' })
  try {
    const outcome = async (name: CallName) => {
      try {
        await (services.handlers[name] as (input: unknown, context: unknown) => unknown)({ path: null, terminalId: 'term-1', requestId: 'req_1' }, undefined)
        return 'answered'
      } catch (error) {
        return (error as AppError).code
      }
    }
    expect(await outcome('history.list')).toBe('answered')
    services.lock.now()
    const answers = await Promise.all((Object.keys(services.handlers) as CallName[]).map(async (name) => [name, await outcome(name)] as const))
    const open = answers.filter(([, code]) => code !== 'auth.locked').map(([name]) => name)
    expect(open.sort()).toEqual(
      [
        ...['app.describe', 'device.list', 'keys.status', 'lock.open', 'lock.touch', 'request.list', 'session.list', 'sign-in.cancel'],
        ...['terminal.close', 'terminal.drawn', 'terminal.resize', 'transfer.list', 'update.status'],
      ].sort(),
    )
    expect(await (services.handlers['app.describe'] as () => unknown)()).toMatchObject({ lock: { locked: true } })
  } finally {
    await services.close()
    await world.close()
  }
})
