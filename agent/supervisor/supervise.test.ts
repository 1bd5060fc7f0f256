import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { silentLog } from '../log.ts'
import { supervise } from './supervise.ts'

/** Real child processes; each tells its ready line and then behaves as its text says. */
let folder: string
let stop: AbortController
let ready: number[]
let done: Promise<void>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sup-'))
  stop = new AbortController()
  ready = []
})
afterEach(async () => {
  stop.abort()
  await done
  rmSync(folder, { recursive: true, force: true })
})

function start(body: string, hangAfterMs = 20_000) {
  const file = join(folder, 'child.mjs')
  writeFileSync(
    file,
    `process.on('disconnect', () => process.exit())\nconst beat = setInterval(() => process.send('alive'), 20)\nconsole.log(JSON.stringify({ ready: true, pid: process.pid }))\n${body}`,
  )
  done = supervise({ argv: [file], signal: stop.signal, onReady: ({ pid }) => void ready.push(pid as number), log: silentLog, hangAfterMs, lookEveryMs: 20 })
}
const isAlive = (pid: number | undefined) => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('the supervisor (R101)', () => {
  test('starts the agent again after a crash', async () => {
    start(`if (Math.random() < 2) setTimeout(() => process.kill(process.pid, 'SIGKILL'), 30)`)
    await until(() => ready.length >= 2)
    expect(ready[0]).not.toBe(ready[1])
  })

  test('kills an agent whose event loop is blocked, and starts it again', async () => {
    start('setTimeout(() => { for (;;); }, 50)', 400)
    await until(() => ready.length >= 2)
    expect(isAlive(ready[0])).toBe(false)
  })

  test('kills an agent that was stopped, which hears no other signal', async () => {
    start('', 400)
    await until(() => ready.length === 1)
    process.kill(ready[0] as number, 'SIGSTOP')
    await until(() => ready.length >= 2)
    expect(isAlive(ready[0])).toBe(false)
  })

  test('passes a stop on, and ends when the agent has ended', async () => {
    start(`process.on('SIGTERM', () => { clearInterval(beat); process.disconnect() })`)
    await until(() => ready.length === 1)
    stop.abort()
    await done
    expect(isAlive(ready[0])).toBe(false)
    expect(ready).toHaveLength(1)
  })
})
