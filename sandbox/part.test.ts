import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Part, type PartEvent, type PartSpec, restartDelayMs, startPart } from './part.ts'

const folder = mkdtempSync(join(tmpdir(), 'gantry-part-'))
const running: Part[] = []
afterEach(async () => {
  for (const part of running.splice(0)) await part.stop()
  rmSync(join(folder, 'log'), { force: true })
})

const program = `
  process.stdin.on('end', () => process.exit(0))
  process.stdin.on('data', (text) => console.log(JSON.stringify({ heard: JSON.parse(text) })))
  console.log(JSON.stringify({ ready: true, pid: process.pid }))
`

function start(source: string, more: Partial<PartSpec> = {}) {
  const events: PartEvent[] = []
  const listeners = new Set<() => void>()
  const part = startPart({ name: 'sample', argv: [process.execPath, '-e', source], log: join(folder, 'log'), ...more }, (event) => {
    events.push(event)
    for (const listener of listeners) listener()
  })
  running.push(part)
  const until = (wanted: (events: PartEvent[]) => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => wanted(events) && resolve()
    listeners.add(look)
    look()
    return promise
  }
  return { part, events, until }
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a part of the sandbox', () => {
  test('is ready when it says so, and is told things on its stdin', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const { part } = start(program, { onLine: resolve })
    expect(await part.ready).toMatchObject({ ready: true, pid: part.pid() })
    part.send({ press: 'end' })
    expect(await promise).toEqual({ heard: { press: 'end' } })
  })

  test('that is killed comes back by itself, and both are shown', async () => {
    const { part, events, until } = start(program)
    await part.ready
    const first = part.pid()
    process.kill(first, 'SIGKILL')
    await until((seen) => seen.filter(({ kind }) => kind === 'ready').length === 2)
    expect(part.pid()).not.toBe(first)
    expect(events[1]).toEqual({ kind: 'died', name: 'sample', code: null, signal: 'SIGKILL', againInMs: 100 })
    expect(events[2]).toMatchObject({ kind: 'ready', restarts: 1 })
  })

  test('that asks for its own restart gets it, and it counts as no failure', async () => {
    const { part, events, until } = start(`process.on('SIGHUP', () => process.exit(75)); ${program}`, { restartCode: 75 })
    await part.ready
    process.kill(part.pid(), 'SIGHUP')
    await until((seen) => seen.length === 2)
    expect(events.map(({ kind }) => kind)).toEqual(['ready', 'ready'])
  })

  test('that cannot start is not tried again, and its own last word is the reason', async () => {
    const fatal = JSON.stringify({ fatal: { code: 'port.busy', details: { port: 443 } } })
    const { part } = start(`console.error('{"level":30}'); console.error(${JSON.stringify(fatal)}); process.exit(1)`)
    await expect(part.ready).rejects.toMatchObject({ code: 'port.busy', details: { port: 443, part: 'sample' } })
    expect(readFileSync(join(folder, 'log'), 'utf8')).toContain('fatal')
  })

  test('whose program is not there fails at once', async () => {
    const { part } = start('', { argv: [join(folder, 'no-such-program')] })
    await expect(part.ready).rejects.toMatchObject({ code: 'internal' })
  })

  test('that never gets ready is given up', async () => {
    const { part } = start('setInterval(() => undefined, 1000)', { readyWithinMs: 200 })
    await expect(part.ready).rejects.toMatchObject({ code: 'internal' })
  })

  test('that does not want to stop is stopped by force', async () => {
    const { part } = start(`process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000); console.log('{"ready":true}')`)
    await part.ready
    const pid = part.pid()
    await part.stop(100)
    expect(isAlive(pid)).toBe(false)
    expect(part.pid()).toBe(0)
  })

  test('R101: the first restart is at once, later ones wait longer and longer, a minute at most', () => {
    expect([1, 2, 3, 4, 9, 30].map(restartDelayMs)).toEqual([100, 1_000, 2_000, 4_000, 60_000, 60_000])
  })
})
