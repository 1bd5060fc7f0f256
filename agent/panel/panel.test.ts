import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DeviceId, newId, type RequestId } from '../../shared/ids.ts'
import { createLineSplitter } from '../../shared/node/lines.ts'
import type { AgentToPanel } from '../../shared/panel.ts'

/** The panel as a process of its own, with a test as its screen and another as the agent that dials it. */
let folder: string
let child: ChildProcess
let lines: Record<string, unknown>[]
const root = process.getuid?.() === 0
const user = root ? 65_533 : null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'panel-'))
})
afterEach(async () => {
  child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

const path = () => join(folder, 'p', 'panel.sock')
const until = async <T>(what: () => T | undefined | false): Promise<T> => {
  for (;;) {
    const value = what()
    if (value) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

async function start(name = 'panel.json') {
  const config = join(folder, name)
  writeFileSync(config, JSON.stringify({ socket: path(), user, group: user, stopWithStdin: true }))
  const entry = join(import.meta.dirname, 'main.ts')
  child = spawn(process.execPath, [entry, '--config', config], { stdio: ['pipe', 'pipe', 'pipe'] })
  lines = []
  collect(child.stdout as Readable, (line) => lines.push(JSON.parse(line)))
  await until(() => lines.length >= 2 || child.exitCode !== null)
}
function collect(stream: Readable, take: (line: string) => void) {
  const split = createLineSplitter(1_000_000)
  stream.on('data', (chunk) => {
    for (const line of split(chunk)) take(line)
  })
}
async function dial(): Promise<{ socket: Socket; heard: string[]; tell(message: AgentToPanel): void }> {
  const socket = connect({ path: path() })
  const heard: string[] = []
  collect(socket, (line) => heard.push(line))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return { socket, heard, tell: (message) => socket.write(`${JSON.stringify(message)}\n`) }
}
const requestId = newId<RequestId>('req')
const hello: AgentToPanel = {
  type: 'hello',
  device: { id: newId<DeviceId>('dev'), name: 'CT Suite 3', model: 'NV 520', customer: 'Lakeside Hospital', site: 'Main building' },
  separated: false,
  network: 'open',
  clockOffSeconds: 0,
  connectivity: 'ok',
  policy: null,
}

describe('the panel process', () => {
  test('owns a socket that only its own user and the agent’s group can open, and is no longer root itself (goal D22)', async () => {
    await start()
    expect(lines[0]).toEqual({ ready: true })
    expect(lines[1]).toMatchObject({ type: 'state', state: { agent: 'absent' } })
    expect(statSync(join(folder, 'p')).mode & 0o777).toBe(0o750)
    expect(statSync(path()).mode & 0o777).toBe(0o660)
    if (!root) return
    expect(statSync(path())).toMatchObject({ uid: user, gid: user })
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t65533\t65533\t65533\t65533$/m)
    expect(status).toMatch(/^Gid:\t65533\t65533\t65533\t65533$/m)
    expect(status).toMatch(/^Groups:\s*$/m)
  })

  test('shows what the agent says, and passes on what was pressed', async () => {
    await start()
    const agent = await dial()
    agent.tell(hello)
    agent.tell({ type: 'session.output', requestId, terminal: 1, data: 'aGVsbG8=', size: { columns: 120, rows: 40 } })
    await until(() => lines.some((line) => line.type === 'output' && line.data === 'aGVsbG8='))
    await until(() => lines.some((line) => line.type === 'state' && (line.state as { agent: string }).agent === 'connected'))
    child.stdin?.write('this is no press\n')
    child.stdin?.write(`${JSON.stringify({ type: 'end', requestId })}\n`)
    child.stdin?.write(`${JSON.stringify({ type: 'answer', requestId, allow: true, code: '123456' })}\n`)
    await until(() => agent.heard.length === 3)
    expect(agent.heard.map((line) => JSON.parse(line))).toEqual([
      { type: 'hello', language: 'en' },
      { type: 'session.end', requestId },
      { type: 'request.answered', requestId, allow: true, code: '123456' },
    ])
  })

  test('lets an agent go that sends what is no message, and takes the next', async () => {
    await start()
    const bad = await dial()
    bad.socket.write(`${'x'.repeat(70_000)}\n`)
    await until(() => bad.socket.closed)
    const good = await dial()
    good.tell(hello)
    await until(() => lines.some((line) => line.type === 'state' && (line.state as { agent: string }).agent === 'connected'))
    expect(child.exitCode).toBeNull()
  })

  test('starts over a socket file that a killed panel left, but not beside a living one', async () => {
    await start()
    const first = child
    await start('second.json')
    expect(child.exitCode).toBe(1)
    first.kill('SIGKILL')
    await until(() => first.exitCode !== null || first.signalCode !== null)
    await start()
    expect(lines[0]).toEqual({ ready: true })
  })

  test('ends when its screen is gone', async () => {
    await start()
    child.stdin?.end()
    await until(() => child.exitCode !== null)
    expect(child.exitCode).toBe(0)
  })
})
