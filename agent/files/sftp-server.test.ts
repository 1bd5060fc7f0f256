import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Client, SFTPWrapper } from 'ssh2'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connect, type OpenSsh, prepareOpenSsh, sessionChannel, startTestSession, subsystem, type TestSession } from '../../test/support/agent-session.ts'

const run = promisify(execFile)

describe('SFTP at level files', () => {
  let session: TestSession
  let client: Client
  let sftp: SFTPWrapper
  let openssh: OpenSsh
  const remote = (path: string) => join(session.filesRoot, path)
  const local = (path: string) => join(session.folder, path)
  type Call<T> = (done: (error: Error | null | undefined, value: T) => void) => unknown
  const ask = <T>(call: Call<T>) => new Promise<T>((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))))
  /** OpenSSH's client; rejects with what it printed. */
  const batch = async (...lines: string[]) => {
    writeFileSync(local('batch'), `${lines.join('\n')}\n`)
    return (await run('sftp', ['-F', openssh.config, '-b', local('batch'), openssh.host], { cwd: session.folder })).stdout
  }
  const events = (kind: string) => session.audited().filter(({ event }) => event.kind === kind)

  beforeAll(async () => {
    session = startTestSession({ access: 'files' })
    client = await connect(session)
    openssh = await prepareOpenSsh(session, await sessionChannel(client))
    sftp = await ask<SFTPWrapper>((done) => client.sftp(done))
  })
  afterAll(async () => {
    openssh.close()
    await session.close()
  })

  test('one event per file, with size and direction in public and name and digest in private (R091, R096)', async () => {
    const octets = randomBytes(400_000)
    writeFileSync(local('audited.bin'), octets)
    await batch('put audited.bin', 'get audited.bin back.bin')
    expect(readFileSync(local('back.bin')).equals(octets)).toBe(true)
    const sha256 = createHash('sha256').update(octets).digest('base64url')
    for (const kind of ['file.sent', 'file.received']) {
      const [line, ...more] = events(kind)
      expect(more).toEqual([])
      expect(line?.event.data).toEqual({ bytes: 400_000, direction: kind === 'file.sent' ? 'to-device' : 'from-device', whole: true })
      expect(line?.private).toMatchObject({ path: '/audited.bin', sha256 })
    }
  })

  test('a listing is no event for each of its entries', async () => {
    const before = session.audited().length
    await ask((done) => sftp.readdir('/', done))
    expect(session.audited().length).toBe(before)
  })

  test('..  is worked out by realpath and refused everywhere else', async () => {
    expect(await ask<string>((done) => sftp.realpath('/a/../../..', done))).toBe('/')
    expect(await ask<string>((done) => sftp.realpath('.', done))).toBe('/')
    await expect(ask((done) => sftp.stat('/../etc/passwd', done))).rejects.toMatchObject({ code: 3 })
    await expect(ask((done) => sftp.open('/a/../b', 'w', done))).rejects.toMatchObject({ code: 3 })
    expect(events('file.refused').at(-1)?.event.data).toEqual({ operation: 'write', code: 'file.outside-root' })
  })

  test('links cannot be made, owners cannot be changed, and both are recorded', async () => {
    await expect(batch('ln -s /etc/passwd link')).rejects.toThrow()
    await expect(ask<void>((done) => sftp.chown('/audited.bin', 0, 0, (error) => done(error, undefined)))).rejects.toMatchObject({ code: 3 })
    expect(
      events('file.refused')
        .slice(-2)
        .map(({ event }) => event.data?.operation),
    ).toEqual(['symlink', 'set-owner'])
    expect(existsSync(remote('link'))).toBe(false)
  })

  test('a link out of the root can be seen and not followed', async () => {
    symlinkSync('/etc/passwd', remote('out'))
    expect(await batch('ls -l')).toMatch(/^l.* out$/m)
    await expect(batch('get out')).rejects.toThrow(/Permission denied/)
    await batch('rm out')
  })

  test('mode and times go with put -p and get -p', async () => {
    writeFileSync(local('timed'), 'x', { mode: 0o640 })
    utimesSync(local('timed'), 1_700_000_000, 1_700_000_001)
    await batch('put -p timed', 'get -p timed timed-back')
    for (const path of [remote('timed'), local('timed-back')]) {
      expect(statSync(path).mode & 0o777).toBe(0o640)
      expect(statSync(path).mtimeMs).toBe(1_700_000_001_000)
    }
  })

  test('a broken upload is taken up again where it stopped', async () => {
    const octets = randomBytes(300_000)
    writeFileSync(local('resumed'), octets.subarray(0, 100_000))
    await batch('put resumed')
    writeFileSync(local('resumed'), octets)
    await batch('reput resumed')
    expect(readFileSync(remote('resumed')).equals(octets)).toBe(true)
    expect(events('file.sent').at(-1)?.private?.sha256).toBe(createHash('sha256').update(octets).digest('base64url'))
  })

  test('appending goes to the end, wherever the client says', async () => {
    await ask<void>((done) => sftp.writeFile('/log', 'one,', (error) => done(error, undefined)))
    await ask<void>((done) => sftp.appendFile('/log', 'two', (error) => done(error, undefined)))
    expect(readFileSync(remote('log'), 'utf8')).toBe('one,two')
  })

  test('exclusive creation, rename without and with replacing', async () => {
    for (const name of ['/one', '/two']) await ask<void>((done) => sftp.writeFile(name, name, (error) => done(error, undefined)))
    await expect(ask((done) => sftp.open('/one', 'wx', done))).rejects.toMatchObject({ code: 4 })
    await expect(ask<void>((done) => sftp.rename('/one', '/two', (error) => done(error, undefined)))).rejects.toMatchObject({ code: 4 })
    await ask<void>((done) => sftp.ext_openssh_rename('/one', '/two', (error) => done(error, undefined)))
    expect(readFileSync(remote('two'), 'utf8')).toBe('/one')
  })

  test('a folder of a thousand files is listed whole', async () => {
    for (let count = 0; count < 1_000; count += 1) writeFileSync(remote(`many-${count}`), '')
    const names = await ask<{ filename: string; longname: string }[]>((done) => sftp.readdir('/', done))
    expect(names.filter(({ filename }) => filename.startsWith('many-'))).toHaveLength(1_000)
  })

  test.each([
    ['no INIT but rubbish', Buffer.from('rubbish that is no packet at all')],
    ['a length of 4 GiB', Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3])],
    ['a length of 0', Buffer.alloc(8)],
  ])('%s ends the channel and nothing else', async (_name, octets) => {
    const channel = await subsystem(client, 'sftp')
    const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()))
    channel.resume()
    channel.write(octets)
    await closed
    expect((await ask<unknown[]>((done) => sftp.readdir('/', done))).length).toBeGreaterThan(0)
  })

  test('packets that end too early, unknown ones and handles of nobody are answered as such', async () => {
    const channel = await subsystem(client, 'sftp')
    const answers: Buffer[] = []
    channel.on('data', (chunk: Buffer) => answers.push(chunk))
    const packet = (...octets: number[]) => Buffer.from([0, 0, 0, octets.length, ...octets])
    channel.write(packet(1, 0, 0, 0, 3))
    channel.write(packet(17, 0, 0, 0, 1, 0, 0, 1, 0)) // stat of a path longer than the packet
    channel.write(packet(99, 0, 0, 0, 2)) // unknown
    channel.write(packet(4, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 9, 9)) // close of a handle of nobody
    await expect
      .poll(() => statusesIn(Buffer.concat(answers)))
      .toEqual([
        [1, 5],
        [2, 8],
        [3, 2],
      ])
    channel.close()
  })
})

/** Request id and code of each status answer among whole packets. */
function statusesIn(octets: Buffer): [number, number][] {
  const statuses: [number, number][] = []
  for (let at = 0; at + 4 <= octets.length; at += 4 + octets.readUInt32BE(at)) {
    if (octets[at + 4] === 101) statuses.push([octets.readUInt32BE(at + 5), octets.readUInt32BE(at + 9)])
  }
  return statuses
}
