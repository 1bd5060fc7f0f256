import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client, ClientChannel } from 'ssh2'
import { afterEach, describe, expect, test } from 'vitest'
import { collect, connect, exec, isRoot, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

const shell = (client: Client, window = { term: 'xterm', cols: 80, rows: 24 }) =>
  new Promise<ClientChannel>((resolve, reject) =>
    client.shell({ ...window, width: 0, height: 0 }, (error, channel) => (error ? reject(error) : resolve(channel))),
  )
const execOn = (client: Client, command: string, pty: boolean) =>
  new Promise<ClientChannel>((resolve, reject) => client.exec(command, { pty }, (error, channel) => (error ? reject(error) : resolve(channel))))

/** Output up to and with a text. */
async function until(channel: ClientChannel, text: string): Promise<string> {
  let seen = ''
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = (chunk: Buffer) => {
    seen += chunk.toString()
    if (seen.includes(text)) resolve()
  }
  channel.on('data', look)
  await promise
  channel.off('data', look)
  return seen
}

describe('programs of a session', () => {
  let session: TestSession
  afterEach(() => session.close())

  test.skipIf(!isRoot)('run as the device’s user: no group of the agent’s, no capability, no way to new ones (R080)', async () => {
    session = startTestSession()
    const client = await connect(session)
    for (const pty of [false, true]) {
      const { stdout } = await collect(await execOn(client, 'id; grep -E "^(Groups|CapEff|CapBnd|NoNewPrivs)" /proc/self/status; ls /proc/$$/fd; true', pty))
      const text = stdout.toString().replaceAll('\r', '')
      expect(text).toMatch(/^uid=65534\(nobody\) gid=65534\(nogroup\) groups=65534\(nogroup\)\n/)
      expect(text).toMatch(/Groups:\s*\n/)
      expect(text).toMatch(/CapEff:\s*0{16}\n/)
      expect(text).toMatch(/NoNewPrivs:\s*1/)
      // Nothing but input, output and error is inherited (bash keeps a copy of its terminal as 255), beside what this very process was given open.
      const descriptors = text.slice(text.indexOf('NoNewPrivs')).match(/^\d+$/gm) ?? []
      expect(descriptors.filter((fd) => !['0', '1', '2', '255', ...leftOpen()].includes(fd))).toEqual([])
    }
  })

  test('start in the device’s files', async () => {
    session = startTestSession()
    expect((await exec(await connect(session), 'pwd')).stdout.toString()).toBe(`${session.filesRoot}\n`)
  })

  test.each([
    ['exit 0', { code: 0, signal: null }],
    ['exit 42', { code: 42, signal: null }],
    ['kill -TERM $$', { code: null, signal: 'TERM' }],
    ['kill -KILL $$', { code: null, signal: 'KILL' }],
    ['/no/such/program', { code: 127, signal: null }],
  ])('%s is told as it is, with and without a terminal', async (command, expected) => {
    session = startTestSession()
    const client = await connect(session)
    for (const pty of [false, true]) {
      const { code, signal } = await collect(await execOn(client, command, pty))
      expect({ code, signal: signal?.replace('SIG', '') ?? null }).toEqual(expected)
    }
  })

  test('a terminal has the size it is given, and follows it', async () => {
    session = startTestSession()
    const channel = await shell(await connect(session), { term: 'vt100', cols: 101, rows: 31 })
    channel.write('stty size; echo $TERM; read x; stty size; exit 5\n')
    const before = await until(channel, 'vt100\r\n')
    channel.setWindow(55, 222, 0, 0)
    channel.write('\n')
    const rest = collect(channel)
    const { stdout, code } = await rest
    expect(before).toContain('31 101')
    expect(stdout.toString()).toContain('55 222')
    expect(code).toBe(5)
  })

  test('a flood waits for a client that does not read, and then arrives whole', { timeout: 90_000 }, async () => {
    session = startTestSession()
    const client = await connect(session)
    const bytes = 100_000_000
    const channel = await execOn(client, `stty -opost; head -c ${bytes} /dev/zero; echo done > flood-done`, true)
    channel.pause()
    await sleep(1_000)
    // Windows and buffers hold a few MiB; the program itself is held up.
    expect(existsSync(`${session.filesRoot}/flood-done`)).toBe(false)
    const memory = process.memoryUsage.rss()
    let seen = 0
    channel.on('data', (chunk: Buffer) => {
      seen += chunk.length
    })
    channel.resume()
    await new Promise((resolve) => channel.once('close', resolve))
    expect(seen).toBe(bytes)
    expect(process.memoryUsage.rss() - memory).toBeLessThan(300_000_000)
    expect(existsSync(`${session.filesRoot}/flood-done`)).toBe(true)
  })

  test('a slow reader gets the last byte of a program that ended long ago', { timeout: 60_000 }, async () => {
    session = startTestSession()
    const channel = await execOn(await connect(session), 'stty -opost; head -c 6000000 /dev/zero; printf END', true)
    channel.pause()
    await sleep(1_500)
    channel.resume()
    const { stdout, code } = await collect(channel)
    expect({ length: stdout.length, last: stdout.subarray(-60).toString().replaceAll('\0', ''), code }).toEqual({ length: 6_000_003, last: 'END', code: 0 })
  })

  test('both outputs of a program arrive whole when both fill the window', async () => {
    session = startTestSession()
    const channel = await execOn(await connect(session), 'head -c 5000000 /dev/zero & head -c 5000000 /dev/zero >&2; wait', false)
    channel.pause()
    await sleep(500)
    channel.resume()
    const { stdout, stderr } = await collect(channel)
    expect([stdout.length, stderr.length]).toEqual([5_000_000, 5_000_000])
  })

  test('a paste into a program that does not read leaves the agent alive', async () => {
    session = startTestSession()
    const client = await connect(session)
    const channel = await execOn(client, 'stty raw -echo; echo ready; sleep 60', true)
    await until(channel, 'ready')
    channel.write(Buffer.alloc(1_000_000, 97))
    expect((await exec(client, 'echo alive')).stdout.toString()).toBe('alive\n')
    session.end('person')
    expect(await session.done).toBe('person')
  })

  test('the person at the device sees the output, never what is typed without echo', async () => {
    session = startTestSession()
    const channel = await shell(await connect(session))
    channel.write('stty -echo; echo asked; read secret; stty echo; printf "got %s" "$secret" | wc -c; exit\n')
    await until(channel, 'asked\r\n')
    channel.write('hunter2-hunter2\n')
    await collect(channel)
    session.end('specialist')
    await session.done
    const shown = session.panel.flatMap((message) => (message.type === 'session.output' ? [Buffer.from(message.data, 'base64').toString()] : [])).join('')
    expect(shown).toMatch(/^19\r$/m)
    expect(shown).not.toContain('hunter2')
    expect(JSON.stringify(session.audited())).not.toContain('hunter2')
  })

  test('closing a terminal ends its program', async () => {
    session = startTestSession()
    const client = await connect(session)
    const channel = await execOn(client, 'echo $$; exec sleep 61', true)
    const pid = (await until(channel, '\n')).trim()
    channel.close()
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false)
  })

  test('no descriptor is left behind', async () => {
    session = startTestSession()
    const client = await connect(session)
    await collect(await execOn(client, 'true', true))
    const count = () => readdirSync('/proc/self/fd').filter((fd) => /ptmx|pts/.test(linkOf(fd))).length
    for (let round = 0; round < 10; round += 1) await collect(await execOn(client, 'echo x', true))
    await expect.poll(count).toBe(0)
  })
})

/** Descriptors of this process that a program would inherit whatever we do (fdinfo(5): no O_CLOEXEC). */
function leftOpen(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => existsSync(`/proc/self/fdinfo/${fd}`) && !(flagsOf(fd) & 0o2000000))
}

function flagsOf(fd: string): number {
  return Number.parseInt(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/flags:\s*(\d+)/)?.[1] ?? '0', 8)
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
