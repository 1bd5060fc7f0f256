import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { SFTPWrapper } from 'ssh2'
import { type Client } from 'ssh2'
import { afterEach, describe, expect, test } from 'vitest'
import { connect, exec, isRoot, nobody, sessionChannel, startTestSession, type TestSession, type TestSessionOptions } from '../../test/support/agent-session.ts'
import { processesOf } from './processes.ts'

/** R086, through the doors of a real session: what may hold patient data stays shut until the person at the panel says yes in this very session. */
const files = { toDevice: true, fromDevice: true, maxFileBytes: 1_000_000, paths: null, restricted: ['/data/patients', '/data/one.db'] }
/** An account that no other test uses: a program of the same account beside a session keeps it from being opened. */
const user = { ...nobody, uid: 61_234, gid: 61_234 }
const secret = 'SYNTHETIC-PATIENT'
const sessions: TestSession[] = []
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.close()
})

function prepare(root: string): void {
  mkdirSync(join(root, 'data/patients/ward'), { recursive: true })
  for (const path of ['data/patients/list.txt', 'data/patients/ward/anna.txt', 'data/one.db']) writeFileSync(join(root, path), `${secret} ${path}`)
  writeFileSync(join(root, 'data/run.txt'), 'plain')
  if (isRoot)
    for (const path of ['', 'data', 'data/patients', 'data/patients/ward', 'data/patients/list.txt', 'data/one.db'])
      chownSync(join(root, path), user.uid, user.gid)
}
const start = (options: TestSessionOptions = {}) => {
  const session = startTestSession({ prepare, policy: { files }, ...options, config: { ...(isRoot ? { user } : {}), ...options.config } })
  sessions.push(session)
  return session
}
const openSftp = (client: Client) => new Promise<SFTPWrapper>((resolve, reject) => client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp))))
const read = async (client: Client, path: string) => {
  const sftp = await openSftp(client)
  return new Promise<string>((resolve) => sftp.readFile(path, (error, data) => resolve(error ? String(error.message) : data.toString())))
}
const asked = (session: TestSession) =>
  session.panel.flatMap((message) => (message.type === 'session.changed' && message.change.asksRestricted ? [message.change.asksRestricted] : [])).at(-1)
const press = (session: TestSession, allow: boolean) => session.press({ type: 'restricted.answered', requestId: session.requestId, allow })
const audited = (session: TestSession, kind: string) => session.audited().filter(({ event }) => event.kind === kind)

const withLink = (from: string, to: string, options: string[]) => (root: string) => {
  prepare(root)
  spawnSync('ln', [...options, resolve(root, from), join(root, to)])
}

describe('patient data in a session', () => {
  test('is shut to SFTP, is asked for while the session goes on, opens by the yes, is named when it leaves, and is shut in the next session', async () => {
    const session = start({ access: 'files' })
    const client = await connect(session)
    const calls = await sessionChannel(client)
    expect((await calls.call('session.describe', {})).restricted).toEqual({ paths: files.restricted, open: false })
    expect(await read(client, '/data/patients/list.txt')).toBe('file.restricted')
    const asking = calls.call('restricted.ask', {})
    await expect.poll(() => asked(session)).toMatchObject({ paths: files.restricted })
    expect(await read(client, '/data/run.txt')).toBe('plain')
    press(session, true)
    await asking
    expect(await read(client, '/data/patients/list.txt')).toContain(secret)
    expect((await calls.call('session.describe', {})).restricted).toEqual({ paths: files.restricted, open: true })
    expect(session.panel.at(-1)).not.toMatchObject({ change: { asksRestricted: expect.anything() } })
    expect(session.panel).toContainEqual({ type: 'session.changed', requestId: session.requestId, change: { restrictedOpen: true } })
    expect(audited(session, 'restricted.opened')[0]).toMatchObject({
      event: { actor: { kind: 'person' }, data: { places: 2 } },
      private: { paths: files.restricted.join('\n') },
    })
    await expect
      .poll(() => audited(session, 'file.received').at(-1))
      .toMatchObject({ event: { data: { restricted: true } }, private: { path: '/data/patients/list.txt' } })
    expect(JSON.stringify(audited(session, 'restricted.opened')[0]?.event)).not.toContain('patients')
    const next = start({ access: 'files' })
    expect(await read(await connect(next), '/data/patients/list.txt')).toBe('file.restricted')
  })

  test('a no, a press for another session, and a yes to something else leave it shut; the no stands for a while (T6)', async () => {
    const session = start({ access: 'files' })
    const client = await connect(session)
    const calls = await sessionChannel(client)
    const asking = calls.call('restricted.ask', {})
    await expect.poll(() => asked(session)).toBeTruthy()
    session.press({ type: 'time.answered', requestId: session.requestId, allow: true })
    session.press({ type: 'request.answered', requestId: session.requestId, allow: true, code: null })
    session.press({ type: 'restricted.answered', requestId: 'req_aaaaaaaaaaaaaaaaaaaa' as never, allow: true })
    await expect(calls.call('restricted.ask', {})).rejects.toMatchObject({ code: 'session.restricted-asked' })
    expect(await read(client, '/data/one.db')).toBe('file.restricted')
    press(session, false)
    await expect(asking).rejects.toMatchObject({ code: 'access.refused' })
    await expect(calls.call('restricted.ask', {})).rejects.toMatchObject({ code: 'access.rate-limited' })
    press(session, true)
    expect(await read(client, '/data/one.db')).toBe('file.restricted')
    expect(audited(session, 'restricted.refused')[0]).toMatchObject({ event: { actor: { kind: 'person' } } })
    expect(audited(session, 'restricted.opened')).toEqual([])
  })

  test('is not asked for by whose profile may not meet it, nor where there is none', async () => {
    const mayNot = await sessionChannel(await connect(start({ access: 'files', limits: { patientData: false } })))
    await expect(mayNot.call('restricted.ask', {})).rejects.toMatchObject({ code: 'access.patient-data' })
    const none = await sessionChannel(await connect(start({ access: 'files', policy: {} })))
    await expect(none.call('restricted.ask', {})).rejects.toMatchObject({ code: 'session.restricted-none' })
  })
})

/** What a shell may try; it prints the secret where it led there. */
const ways: Record<string, string> = {
  reading: 'cat data/patients/list.txt data/patients/ward/* data/one.db',
  listing: `ls -R data/patients | grep -q anna && echo ${secret}; stat data/patients/list.txt && echo ${secret}; find . -name anna.txt | grep -q . && echo ${secret}`,
  'looking everywhere': `grep -rs ${secret} . ../files`,
  'a link': 'ln -s "$PWD/data/patients" p; cat p/list.txt; ln data/patients/list.txt h; cat h',
  'another way round': 'cat /proc/self/root"$PWD"/data/patients/list.txt; cat /proc/self/cwd/data/patients/list.txt',
  'the files of other processes': 'for p in /proc/[0-9]*; do cat $p/root"$PWD"/data/patients/list.txt $p/cwd/data/patients/list.txt; done',
  'root of a user namespace who lifts the cover': 'unshare -Urm sh -c "umount data/patients; umount -l data/one.db; cat data/patients/list.txt data/one.db"',
  'moving it': 'mv data/patients q; mv data d; cat q/list.txt d/patients/list.txt; rm -rf data/patients',
  'an archive': 'tar cf - . | strings',
}

describe.skipIf(!isRoot)('patient data and the programs of a session', () => {
  test.each(Object.entries(ways))('%s leads nowhere', async (_, command) => {
    const session = start()
    const client = await connect(session)
    const { stdout } = await exec(client, command)
    expect(stdout.toString()).not.toContain(secret)
    // Where it lies it is as it was: nothing was taken from its place.
    expect(spawnSync('cat', [join(session.filesRoot, 'data/patients/list.txt')], { encoding: 'utf8' }).stdout).toContain(secret)
  })

  test('the yes opens it to them as well, and the next session finds it covered again', async () => {
    const session = start()
    const client = await connect(session)
    const calls = await sessionChannel(client)
    const cat = async (on: Client) => (await exec(on, 'cat data/patients/list.txt data/one.db; cat data/run.txt')).stdout.toString()
    expect(await cat(client)).toBe('plain')
    const asking = calls.call('restricted.ask', {})
    await expect.poll(() => asked(session)).toBeTruthy()
    press(session, true)
    await asking
    expect(await cat(client)).toContain(`${secret} data/one.db`)
    expect(await cat(client)).toContain(`${secret} data/patients/list.txt`)
    session.end('person')
    await session.done
    expect(await cat(await connect(start()))).toBe('plain')
  })

  test.each<[string, TestSessionOptions]>([
    ['a place is not there, so that its name is free', { policy: { files: { ...files, restricted: ['/data/none'] } } }],
    ['a file in it has another name', { prepare: withLink('data/patients/list.txt', 'second.txt', []) }],
    ['its place leads out of the files', { prepare: withLink('/etc', 'out', ['-s']), policy: { files: { ...files, restricted: ['/out'] } } }],
    ['programs have no namespace of their own', { config: { network: 'open' } }],
  ])('no program is started where %s', async (_, options) => {
    await expect(start(options).done).rejects.toMatchObject({ code: 'access.restricted-open' })
  })

  test('nor while a program of the same account runs beside it, through which it could be seen', async () => {
    const other = spawn('setpriv', [`--reuid=${user.uid}`, '--clear-groups', 'sleep', '60'])
    try {
      await expect.poll(() => processesOf(user.uid).length).toBe(1)
      await expect(start().done).rejects.toMatchObject({ code: 'access.restricted-open', details: { reason: 'others' } })
    } finally {
      other.kill()
    }
    await expect.poll(() => processesOf(user.uid).length).toBe(0)
    const session = start()
    const calls = await sessionChannel(await connect(session))
    const late = spawn('setpriv', [`--reuid=${user.uid}`, '--clear-groups', 'sleep', '60'])
    try {
      await expect.poll(() => processesOf(user.uid).some(({ pid }) => pid === late.pid)).toBe(true)
      const asking = calls.call('restricted.ask', {})
      await expect.poll(() => asked(session)).toBeTruthy()
      press(session, true)
      await expect(asking).rejects.toMatchObject({ code: 'access.restricted-open' })
      expect((await calls.call('session.describe', {})).restricted?.open).toBe(false)
    } finally {
      late.kill()
    }
  })
})
