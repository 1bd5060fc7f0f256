import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client } from 'ssh2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, isRoot, nobody, type OpenSsh, prepareOpenSsh, sessionChannel, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

const run = promisify(execFile)

describe('OpenSSH through a session at level os', () => {
  let session: TestSession
  let first: Client
  let open: OpenSsh
  const local = (name: string) => join(session.folder, name)
  const remote = (name: string) => join(session.filesRoot, name)
  const ssh = (...args: string[]) => run('ssh', ['-F', open.config, open.host, ...args], { encoding: 'buffer', maxBuffer: 64 * 1024 ** 2 })

  beforeAll(async () => {
    session = startTestSession()
    first = await connect(session)
    open = await prepareOpenSsh(session, await sessionChannel(first))
  })
  afterAll(async () => {
    open.close()
    await session.close()
  })

  test('ssh runs a command with its output, errors and exit status apart', async () => {
    const failed = await ssh('echo out; echo err >&2; exit 3').catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 3, stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n') })
  })

  test.each([
    ['', []],
    [' while the client changes keys each MiB', ['-o', 'RekeyLimit=1M']],
  ])('ssh passes input on to its end, octet for octet%s', async (_name, options) => {
    const octets = randomBytes(5_000_000)
    const child = spawn('ssh', ['-F', open.config, ...options, open.host, 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end(octets)
    const parts: Buffer[] = []
    for await (const part of child.stdout) parts.push(part as Buffer)
    expect(Buffer.concat(parts).equals(octets)).toBe(true)
  })

  test('ssh -tt has a terminal of the size and type it asked for', async () => {
    const { stdout } = await run('ssh', ['-F', open.config, '-tt', open.host, 'tty; echo "$TERM"'], { env: { ...process.env, TERM: 'xterm-256color' } })
    expect(stdout).toMatch(/^\/dev\/pts\/\d+\r\nxterm-256color\r\n/)
  })

  test('sftp puts and gets a file whole, with times and mode', async () => {
    writeFileSync(local('up.bin'), randomBytes(3_000_000), { mode: 0o640 })
    const batch = [
      'put -p up.bin',
      'ls -la',
      'get up.bin down.bin',
      'mkdir sub',
      'rename up.bin sub/moved.bin',
      'ls sub',
      'chmod 600 sub/moved.bin',
      'rm sub/moved.bin',
      'rmdir sub',
      'df',
    ].join('\n')
    writeFileSync(local('batch'), `${batch}\n`)
    const { stdout } = await run('sftp', ['-F', open.config, '-b', local('batch'), open.host], { cwd: session.folder })
    expect(readFileSync(local('down.bin')).equals(readFileSync(local('up.bin')))).toBe(true)
    expect(stdout).toContain('moved.bin')
    expect(stdout).toMatch(/-rw-r----- .*up\.bin/)
  })

  test.each([
    ['scp', []],
    ['scp -O', ['-O']],
  ])('%s puts and gets a folder', async (_name, options) => {
    const name = `folder${options.length}`
    mkdirSync(local(name))
    for (const file of ['a', 'b c']) writeFileSync(local(`${name}/${file}`), randomBytes(100_000))
    await run('scp', [...options, '-F', open.config, '-r', '-p', local(name), `${open.host}:${name}-up`])
    await run('scp', [...options, '-F', open.config, '-r', '-p', `${open.host}:${name}-up`, local(`${name}-down`)])
    for (const file of ['a', 'b c']) expect(readFileSync(local(`${name}-down/${file}`)).equals(readFileSync(local(`${name}/${file}`)))).toBe(true)
    if (isRoot) expect(statSync(remote(`${name}-up/a`)).uid).toBe(nobody.uid)
  })

  test('rsync puts and gets a folder', async () => {
    mkdirSync(local('tree'))
    for (let count = 0; count < 20; count += 1) writeFileSync(local(`tree/${count}`), randomBytes(50_000))
    const rsh = `ssh -F ${open.config}`
    await run('rsync', ['-a', '-e', rsh, `${local('tree')}/`, `${open.host}:tree/`])
    await run('rsync', ['-a', '-e', rsh, `${open.host}:tree/`, `${local('tree2')}/`])
    expect(readFileSync(local('tree2/7')).equals(readFileSync(local('tree/7')))).toBe(true)
  })

  test('ssh -L, -R, -D, -A and -X open nothing, and each is audited (R041)', async () => {
    const options = ['-o', 'ExitOnForwardFailure=no', '-R', '0:127.0.0.1:9', '-A', '-X', '-W', '127.0.0.1:22']
    await run('ssh', ['-F', open.config, ...options, open.host], { timeout: 10_000 }).catch(() => undefined)
    await ssh('true')
    const refused = session
      .audited()
      .filter(({ event }) => event.kind === 'channel.refused')
      .map(({ event }) => event.data?.what)
    expect(refused).toContain('direct-tcpip')
    expect(
      session.panel.some((message) => message.type === 'session.moved' && message.move.kind === 'refused' && message.move.text.startsWith('direct-tcpip')),
    ).toBe(true)
  })
})
