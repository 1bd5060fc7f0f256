import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Done, newStateFolder, oneDevice, type RunningSandbox, removeSandbox, run, startSandbox, until } from './support/sandbox.ts'

let sandbox: RunningSandbox
let device: RunningSandbox['facts']['devices'][number]
let config: string
const work = mkdtempSync(join(tmpdir(), 'gantry-e2e-ssh-'))
const ask = ['--reason', 'Console reacts slowly', '--case', '48213']

beforeAll(async () => {
  sandbox = await startSandbox(newStateFolder(), ...oneDevice)
  const [first] = sandbox.facts.devices
  if (!first) throw new Error('no device')
  device = first
  expect((await sandbox.gantry('sign-in')).code).toBe(0)
})
afterAll(async () => {
  await removeSandbox(sandbox)
  rmSync(work, { recursive: true, force: true })
})

async function newConfig(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await sandbox.gantry('ssh-config', device.id, ...argv, ...ask)
  expect(code, stderr).toBe(0)
  const path = join(work, `config-${Math.random().toString(36).slice(2)}`)
  writeFileSync(path, stdout)
  return path
}
const ssh = (file: string, ...command: string[]) => run(['ssh', '-F', file, '-o', 'BatchMode=yes', device.id, ...command], { input: '' })
const waiting = async () => JSON.parse((await sandbox.panel(device.id, 'show', '--json')).stdout).waiting.length as number

describe('OpenSSH through a printed configuration', () => {
  let first: Done

  test('the configuration is printed at once, is complete, and asks nobody', async () => {
    config = await newConfig()
    const text = readFileSync(config, 'utf8')
    for (const line of ['IdentitiesOnly yes', 'StrictHostKeyChecking yes', 'GlobalKnownHostsFile none', 'UpdateHostKeys no', 'ForwardAgent no', 'HostKeyAlias'])
      expect(text).toContain(line)
    expect(text).not.toContain('ConnectTimeout')
    expect(text).not.toMatch(/ProxyCommand .*\bnpm\b/)
    expect(await waiting()).toBe(0)
  })

  test('R020, R057: ssh runs a command on the device, as the device’s own user, after the person allowed it', async () => {
    const running = ssh(config, 'id -u; id -G; pwd')
    expect((await sandbox.panel(device.id, 'approve', '--next', '--timeout', '30')).code).toBe(0)
    first = await running.done
    expect(first.code, first.stderr).toBe(0)
    const [user, groups] = first.stdout.trim().split('\n')
    if (process.getuid?.() === 0) {
      expect(user).toBe('65534')
      expect(groups).toBe('65534')
    }
    expect(first.stderr).toContain('matching code')
  })

  test('further connections join the open session without a new question, with exit codes and both streams', async () => {
    const { code, stdout, stderr } = await ssh(config, 'echo out; echo err >&2; exit 7').done
    expect(code).toBe(7)
    expect(stdout).toBe('out\n')
    expect(stderr).toContain('err')
    expect(await waiting()).toBe(0)
  })

  test('sftp, scp and rsync work unchanged', async () => {
    const file = join(work, 'update.bin')
    writeFileSync(file, Buffer.alloc(2_000_000, 'abc'))
    const batch = await run(['sftp', '-F', config, '-b', '-', device.id], { input: `put ${file} updates/by-sftp.bin\nls updates\n` }).done
    expect(batch.code, batch.stderr).toBe(0)
    expect(batch.stdout).toContain('by-sftp.bin')
    const copied = await run(['scp', '-F', config, file, `${device.id}:updates/by-scp.bin`], { input: '' }).done
    expect(copied.code, copied.stderr).toBe(0)
    const fetched = await run(['scp', '-F', config, `${device.id}:updates/by-scp.bin`, join(work, 'back.bin')], { input: '' }).done
    expect(fetched.code, fetched.stderr).toBe(0)
    expect(readFileSync(join(work, 'back.bin')).equals(readFileSync(file))).toBe(true)
    const synced = await run(['rsync', '-e', `ssh -F ${config}`, file, `${device.id}:updates/by-rsync.bin`], { input: '' }).done
    expect(synced.code, synced.stderr).toBe(0)
    for (const name of ['by-sftp.bin', 'by-scp.bin', 'by-rsync.bin']) expect(statSync(join(device.filesRoot, 'updates', name)).size).toBe(2_000_000)
  })

  test('R055: no forwarding in any direction', async () => {
    const local = await run(['ssh', '-F', config, '-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:9', device.id, 'true'], { input: '' }).done
    expect(local.code).not.toBe(0)
    const stdio = await run(['ssh', '-F', config, '-W', '127.0.0.1:22', device.id], { input: '' }).done
    expect(stdio.code).not.toBe(0)
  })

  test('a shell cannot see the agent’s state, the panel’s socket or the secrets of the sandbox', async () => {
    if (process.getuid?.() !== 0) return
    const { controlSocket } = JSON.parse(readFileSync(join(sandbox.dir, 'sandbox.json'), 'utf8'))
    const paths = [join(sandbox.dir, 'devices/1/agent'), join(sandbox.dir, 'sandbox'), join(sandbox.dir, 'main-server'), controlSocket]
    const { stdout } = await ssh(config, paths.map((path) => `ls ${path} 2>&1 || echo closed`).join('; ')).done
    expect(stdout.match(/closed/g)).toHaveLength(paths.length)
    const environment = await ssh(config, 'env').done
    expect(environment.stdout).not.toMatch(/NODE_|npm_|COMPILE/)
  })

  test('refused at the panel: ssh ends and says why', async () => {
    const other = await newConfig()
    const running = ssh(other, 'true')
    expect((await sandbox.panel(device.id, 'refuse', '--next', '--timeout', '30')).code).toBe(0)
    const { code, stderr } = await running.done
    expect(code).toBe(255)
    expect(stderr).toContain('access.refused')
  })

  test('ended at the panel: every connection is cut within a second', async () => {
    const running = ssh(config, 'sleep 60')
    await until('it runs', async () => JSON.parse((await sandbox.panel(device.id, 'show', '--json')).stdout).sessions.length > 0 || null)
    expect((await sandbox.panel(device.id, 'end')).code).toBe(0)
    expect((await running.done).code).not.toBe(0)
  })
})
