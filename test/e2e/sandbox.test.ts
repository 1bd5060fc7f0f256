import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { WellKnown } from '@gantry/shared/client-api.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { SandboxFile, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { agentOf, isAlive, processesOf } from './support/processes.ts'
import { newStateFolder, type RunningSandbox, root, run, startSandbox, until } from './support/sandbox.ts'

const folders: string[] = []
const running: RunningSandbox[] = []
const folder = () => {
  const dir = newStateFolder()
  folders.push(dir)
  return dir
}
const start = async (dir: string, ...more: string[]) => {
  const sandbox = await startSandbox(dir, ...more)
  running.push(sandbox)
  return sandbox
}
const nothingLeft = (dir: string) => until('nothing is left running', () => processesOf(dir).length === 0 || null)

afterEach(async () => {
  for (const sandbox of running.splice(0)) if (sandbox.child.exitCode === null && sandbox.child.signalCode === null) await sandbox.stop()
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true })
})

describe('the sandbox', () => {
  test('R006, R007, R020: says in one line what runs: separate processes, four devices, three of them injectors', async () => {
    const { facts, dir, stop } = await start(folder())
    expect(new Set(facts.devices.map(({ model }) => model)).size).toBe(4)
    const pids = [facts.pids.mainServer, ...facts.pids.accessServers, ...facts.devices.map(({ pid }) => pid), ...facts.devices.map(({ pid }) => agentOf(pid))]
    expect(new Set(pids).size).toBe(11)
    for (const pid of pids) expect(isAlive(pid)).toBe(true)
    for (const { filesRoot } of facts.devices) expect(existsSync(filesRoot)).toBe(true)
    await stop()
    await nothingLeft(dir)
  })

  test('keeps its secrets to itself, and nothing but audit files has audit in its name', async () => {
    const { dir, facts, stop } = await start(folder())
    const [support = ''] = (await secretOf(dir, 'support-key')).split('\n').filter((line) => !line.startsWith('-'))
    expect(support.length).toBeGreaterThan(40)
    // Files come and go while it runs.
    await stop()
    const all = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(all.map(({ name }) => name).filter((name) => name.includes('audit') && name !== 'audit.jsonl')).toEqual([])
    for (const path of all.map((entry) => join(entry.parentPath, entry.name))) {
      const text = readFileSync(path, 'latin1')
      expect(text.includes(support), path).toBe(false)
      const isSecret = text.includes(facts.specialist.password) || text.includes(facts.specialist.totpSecret) || text.includes('PRIVATE KEY')
      if (isSecret) expect(statSync(path).mode & 0o077, path).toBe(0)
    }
  })

  test('a second start of the same state folder is refused and says who has it', async () => {
    const { dir, child } = await start(folder())
    const second = await run([process.execPath, join(root, 'sandbox/main.ts'), '--headless', '--json', '--state', dir]).done
    expect(second.code).toBe(1)
    expect(second.stdout).toBe('')
    expect(second.stderr).toContain('state.in-use')
    expect(second.stderr).toContain(String(child.pid))
  })

  test('its state survives a restart: same devices, password and addresses; --reset begins anew', async () => {
    const first = await start(folder())
    await first.stop()
    const second = await start(first.dir)
    expect(second.facts.specialist).toEqual(first.facts.specialist)
    expect(second.facts.mainServer).toBe(first.facts.mainServer)
    expect(second.facts.devices.map(({ id, filesRoot }) => [id, filesRoot])).toEqual(first.facts.devices.map(({ id, filesRoot }) => [id, filesRoot]))
    await second.stop()
    const third = await start(first.dir, '--reset')
    expect(third.facts.specialist.password).not.toBe(first.facts.specialist.password)
  })

  test('R101: a part that dies is back by itself, and that is shown', async () => {
    const { facts, dir, stderr } = await start(folder())
    const [device] = facts.devices
    const victims = [facts.pids.mainServer, ...facts.pids.accessServers, device?.pid ?? 0]
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    for (const name of ['main-server', 'access-server-1', 'access-server-2', 'agent-1']) {
      await until(`${name} is back`, () => new RegExp(`${name} is back`).test(stderr()))
    }
    expect(processesOf(dir).filter(({ pid }) => victims.includes(pid))).toEqual([])
    await until('the main server answers', () => answers(facts.mainServer, facts.ca))
  })

  test('R101: an agent that dies is started again by its supervisor', async () => {
    const { facts } = await start(folder())
    const supervisor = facts.devices[2]?.pid ?? 0
    const before = agentOf(supervisor)
    process.kill(before, 'SIGKILL')
    await until('another agent', () => processesOf('device.json').some(({ parent, pid }) => parent === supervisor && pid !== before) || null)
    expect(isAlive(supervisor)).toBe(true)
  })

  for (const signal of ['SIGINT', 'SIGKILL'] as const) {
    test(`leaves no process behind on ${signal}`, async () => {
      const { child, dir } = await start(folder())
      expect(processesOf(dir).length).toBeGreaterThan(10)
      child.kill(signal)
      await nothingLeft(dir)
      await start(dir)
    })
  }

  test('leaves no process behind when npm above it is killed', async () => {
    const dir = folder()
    const npm = run(['npm', 'run', '--silent', 'sandbox', '--', '--headless', '--json', '--state', dir])
    await until('it is ready', () => npm.stdout().includes('"ready":true') || null, 60_000)
    npm.child.kill('SIGKILL')
    await nothingLeft(dir)
  })

  test('a busy port is stepped around', async () => {
    const first = await start(folder())
    await first.stop()
    const port = Number(new URL(first.facts.mainServer).port)
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))
    const second = await start(first.dir)
    squatter.close()
    expect(Number(new URL(second.facts.mainServer).port)).not.toBe(port)
    expect(second.facts.devices).toHaveLength(4)
  })
})

async function answers(origin: string, ca: string): Promise<boolean> {
  try {
    await getJson({ origin, ca: readFileSync(ca, 'utf8') }, WellKnown, { path: '/.well-known/gantry' })
    return true
  } catch {
    return false
  }
}

/** What is in the sandbox's memory only, through its control socket. */
async function secretOf(dir: string, name: string): Promise<string> {
  const { controlSocket } = readJsonFile(join(dir, 'sandbox.json'), SandboxFile)
  const client = createLineClient(sandboxApi, connect(controlSocket))
  try {
    return (await client.call('secret.get', { name })).value ?? ''
  } finally {
    client.close()
  }
}
