import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { WellKnown } from '@gantry/shared/client-api.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { SandboxFile, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentOf, isAlive, processesOf } from './support/processes.ts'
import { newStateFolder, type RunningSandbox, root, run, startSandbox, until } from './support/sandbox.ts'

let dir: string
let sandbox: RunningSandbox

beforeAll(async () => {
  dir = newStateFolder()
  sandbox = await startSandbox(dir)
})
afterAll(async () => {
  if (sandbox.child.exitCode === null && sandbox.child.signalCode === null) await sandbox.stop()
  rmSync(dir, { recursive: true, force: true })
})

const nothingLeft = (folder: string) => until('nothing is left running', () => processesOf(folder).length === 0 || null)
const idsOf = ({ facts }: RunningSandbox) => facts.devices.map(({ id, filesRoot }) => [id, filesRoot])

/** One state folder through its life: the tests follow one another. */
describe('the sandbox', () => {
  test('R006, R007, R020: says in one line what runs: separate processes, four devices, three of them injectors', () => {
    const { facts } = sandbox
    expect(new Set(facts.devices.map(({ model }) => model)).size).toBe(4)
    const pids = [facts.pids.mainServer, ...facts.pids.accessServers, ...facts.devices.map(({ pid }) => pid), ...facts.devices.map(({ pid }) => agentOf(pid))]
    expect(new Set(pids).size).toBe(11)
    for (const pid of pids) expect(isAlive(pid)).toBe(true)
    for (const { filesRoot } of facts.devices) expect(existsSync(filesRoot)).toBe(true)
  })

  test('R011: what its owner has subscribed to, the device holds as licensed, and its own software can read it', async () => {
    const licensed = join(dir, 'devices/1/service/licensed.json')
    await until('the licence', () => existsSync(licensed) || null)
    expect(JSON.parse(readFileSync(licensed, 'utf8'))).toEqual({ features: ['dose-reports'] })
  })

  test('a second start of the same state folder is refused and says who has it', async () => {
    const second = await run([process.execPath, join(root, 'sandbox/main.ts'), '--headless', '--json', '--state', dir]).done
    expect(second.code).toBe(1)
    expect(second.stdout).toBe('')
    expect(second.stderr).toContain('state.in-use')
    expect(second.stderr).toContain(String(sandbox.child.pid))
  })

  test('R101: a part that dies is back by itself, and that is shown', async () => {
    const { facts, stderr } = sandbox
    const victims = [facts.pids.mainServer, ...facts.pids.accessServers, facts.devices[0]?.pid ?? 0]
    for (const pid of victims) process.kill(pid, 'SIGKILL')
    for (const name of ['main-server', 'access-server-1', 'access-server-2', 'agent-1']) {
      await until(`${name} is back`, () => new RegExp(`${name} is back`).test(stderr()))
    }
    expect(processesOf(dir).filter(({ pid }) => victims.includes(pid))).toEqual([])
    await until('the main server answers', () => answers(facts.mainServer, facts.ca))
  })

  test('R101: an agent that dies is started again by its supervisor', async () => {
    const supervisor = sandbox.facts.devices[2]?.pid ?? 0
    const before = agentOf(supervisor)
    process.kill(before, 'SIGKILL')
    await until('another agent', () => processesOf('device.json').some(({ parent, pid }) => parent === supervisor && pid !== before) || null)
    expect(isAlive(supervisor)).toBe(true)
  })

  test('killed, it leaves no process behind, and its state survives: same devices, password and addresses', async () => {
    const before = sandbox
    expect(processesOf(dir).length).toBeGreaterThan(10)
    before.child.kill('SIGKILL')
    await nothingLeft(dir)
    sandbox = await startSandbox(dir)
    expect(sandbox.facts.specialist).toEqual(before.facts.specialist)
    expect(sandbox.facts.mainServer).toBe(before.facts.mainServer)
    expect(idsOf(sandbox)).toEqual(idsOf(before))
  })

  test('interrupted, it leaves no process behind; no file holds a specialist’s key, and only audit files have audit in their names', async () => {
    const { facts, child } = sandbox
    const [support = ''] = (await secretOf(dir, 'support-key')).split('\n').filter((line) => !line.startsWith('-'))
    expect(support.length).toBeGreaterThan(40)
    child.kill('SIGINT')
    await nothingLeft(dir)
    const all = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(all.map(({ name }) => name).filter((name) => name.includes('audit') && name !== 'audit.jsonl')).toEqual([])
    for (const path of all.map((entry) => join(entry.parentPath, entry.name))) {
      const text = readFileSync(path, 'latin1')
      expect(text.includes(support), path).toBe(false)
      const isSecret = text.includes(facts.specialist.password) || text.includes(facts.specialist.totpSecret) || text.includes('PRIVATE KEY')
      if (isSecret) expect(statSync(path).mode & 0o077, path).toBe(0)
    }
  })

  test('a port that somebody else has taken is stepped around', async () => {
    const port = Number(new URL(sandbox.facts.mainServer).port)
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))
    sandbox = await startSandbox(dir)
    squatter.close()
    expect(Number(new URL(sandbox.facts.mainServer).port)).not.toBe(port)
    await until('the devices follow', () => answers(sandbox.facts.mainServer, sandbox.facts.ca))
    await sandbox.stop()
  })

  test('leaves no process behind when npm above it is killed; --reset began anew', async () => {
    const npm = run(['npm', 'run', '--silent', 'sandbox', '--', '--headless', '--json', '--reset', '--state', dir])
    const { specialist } = JSON.parse(
      await until(
        'it is ready',
        () =>
          npm
            .stdout()
            .split('\n')
            .find((line) => line.includes('"ready":true')),
        60_000,
      ),
    )
    expect(specialist.password).not.toBe(sandbox.facts.specialist.password)
    npm.child.kill('SIGKILL')
    await nothingLeft(dir)
  })
})

async function answers(origin: string, ca: string): Promise<boolean> {
  try {
    await getJson({ origin, dial: createDialler({ ca: readFileSync(ca, 'utf8') }) }, WellKnown, { path: '/.well-known/gantry' })
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
