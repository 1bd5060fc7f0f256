import type { Client, ClientChannel } from 'ssh2'
import { afterEach, describe, expect, test } from 'vitest'
import { type AccessLevel, accessLevels, includesLevel } from '../../shared/profile.ts'
import { collect, connect, sessionChannel, startTestSession, subsystem, type TestSession } from '../../test/support/agent-session.ts'
import { judgeChannel } from './channel-rules.ts'

type Done = (error: Error | undefined, channel: ClientChannel) => void
const opens: Record<string, { needs: AccessLevel; ask(client: Client, done: Done): void }> = {
  'a shell on a terminal': { needs: 'application', ask: (client, done) => client.shell(done) },
  'a shell without a terminal': { needs: 'os', ask: (client, done) => client.shell(false, done) },
  exec: { needs: 'os', ask: (client, done) => client.exec('true', done) },
  'exec on a terminal': { needs: 'os', ask: (client, done) => client.exec('true', { pty: true }, done) },
  sftp: { needs: 'files', ask: (client, done) => client.subsys('sftp', done) },
  'gantry-actions': { needs: 'diagnostics', ask: (client, done) => client.subsys('gantry-actions', done) },
  'gantry-session': { needs: 'diagnostics', ask: (client, done) => client.subsys('gantry-session', done) },
}

/** What ssh2's client would never send by itself. */
type Protocol = { session(channel: number, window: number, packet: number): void; channelData(channel: number, data: Buffer): void }
const protocolOf = (client: Client) => (client as unknown as { _protocol: Protocol })._protocol

const isOpened = (client: Client, ask: (client: Client, done: Done) => void) =>
  new Promise<boolean>((resolve) =>
    ask(client, (error, channel) => {
      channel?.on('error', () => undefined)
      channel?.resume()
      channel?.close()
      resolve(!error)
    }),
  )

describe('what a channel may be, by access level', () => {
  let session: TestSession
  afterEach(() => session.close())

  test.each(accessLevels)('%s opens what it holds and nothing else', async (access) => {
    session = startTestSession({ access })
    const client = await connect(session)
    for (const [name, { needs, ask }] of Object.entries(opens)) {
      const opened = await isOpened(client, ask)
      expect(`${name}: ${opened}`).toBe(`${name}: ${includesLevel(access, needs)}`)
    }
    const refused = session.audited().filter(({ event }) => event.kind === 'channel.refused').length
    const expected = Object.values(opens).filter(({ needs }) => !includesLevel(access, needs)).length
    expect(refused).toBeGreaterThanOrEqual(expected)
  })

  test.each(accessLevels)('%s forwards nothing, and every try is audited and shown', async (access) => {
    session = startTestSession({ access })
    const client = await connect(session)
    const tries: Record<string, (done: (error?: Error) => void) => unknown> = {
      'direct-tcpip': (done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, (error) => done(error)),
      'direct-streamlocal@openssh.com': (done) => client.openssh_forwardOutStreamLocal('/run/x.sock', (error) => done(error)),
      'tcpip-forward': (done) => client.forwardIn('127.0.0.1', 0, (error) => done(error)),
      'cancel-tcpip-forward': (done) => client.unforwardIn('127.0.0.1', 22, (error) => done(error ?? undefined)),
      'streamlocal-forward@openssh.com': (done) => client.openssh_forwardInStreamLocal('/run/x.sock', (error) => done(error ?? undefined)),
      subsystem: (done) => client.subsys('netconf', (error) => done(error)),
    }
    for (const [name, ask] of Object.entries(tries)) {
      const error = await new Promise<Error | undefined>((resolve) => ask(resolve))
      expect(error, name).toBeInstanceOf(Error)
    }
    const refused = session.audited().flatMap(({ event }) => (event.kind === 'channel.refused' ? [event.data?.what] : []))
    expect(refused).toEqual(Object.keys(tries))
    const shown = session.panel.filter((message) => message.type === 'session.moved' && message.move.kind === 'refused')
    expect(shown).toHaveLength(refused.length)
  })

  test('agent and X11 forwarding, signals and environment are refused; LANG and LC_* are taken', async () => {
    session = startTestSession()
    const client = await connect(session)
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      const env = { LANG: 'fr_CA.UTF-8', LC_ALL: 'C', LD_PRELOAD: '/tmp/x.so', PATH: '/tmp', BASH_ENV: '/tmp/x', LC_TIME: 'a;b' }
      client.exec('env; read line', { env, x11: { single: true, protocol: 'MIT-MAGIC-COOKIE-1', cookie: 'aa', screen: 0 } }, (error, opened) =>
        error ? reject(error) : resolve(opened),
      )
    }).catch((error: unknown) => error)
    // ssh2's client gives up when X11 is refused, which is an answer too.
    expect(channel).toBeInstanceOf(Error)
    const plain = await new Promise<ClientChannel>((resolve, reject) => {
      const env = { LANG: 'fr_CA.UTF-8', LC_ALL: 'C', LD_PRELOAD: '/tmp/x.so', PATH: '/tmp', BASH_ENV: '/tmp/x', LC_TIME: 'a;b' }
      client.exec('env', { env }, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    plain.signal('TERM')
    const lines = (await collect(plain)).stdout.toString().trim().split('\n')
    expect(lines).toContain('LANG=fr_CA.UTF-8')
    expect(lines).toContain('LC_ALL=C')
    expect(lines.filter((line) => /^(LD_PRELOAD|BASH_ENV|LC_TIME)=/.test(line))).toEqual([])
    expect(lines.find((line) => line.startsWith('PATH='))).not.toBe('PATH=/tmp')
    const refused = session.audited().flatMap(({ event }) => (event.kind === 'channel.refused' ? [event.data?.what] : []))
    for (const what of ['x11-req', 'env', 'signal']) expect(refused).toContain(what)
  })

  test('the shell’s environment holds nothing of the agent’s own', async () => {
    process.env.GANTRY_TEST_SECRET = 'not for the shell'
    session = startTestSession()
    const client = await connect(session)
    const { stdout } = await collect(
      await new Promise<ClientChannel>((resolve, reject) => client.exec('env', (error, opened) => (error ? reject(error) : resolve(opened)))),
    )
    delete process.env.GANTRY_TEST_SECRET
    const names = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
    expect(names.sort()).toEqual(['GANTRY_SESSION', 'HOME', 'LANG', 'LOGNAME', 'PATH', 'PWD', 'SHELL', 'SHLVL', 'USER', '_'].sort())
  })

  test('gantry-session is the first connection’s alone', () => {
    expect(judgeChannel('os', { type: 'subsystem', name: 'gantry-session', leg: 'joined' })).toBeNull()
    expect(judgeChannel('diagnostics', { type: 'subsystem', name: 'gantry-session', leg: 'first' })).toBe('session')
  })

  test('a file cannot be had over a leg of its own at level diagnostics', async () => {
    session = startTestSession({ access: 'diagnostics' })
    const calls = await sessionChannel(await connect(session))
    await expect(calls.call('leg.open', { kind: 'files', certificate: 'A'.repeat(43) })).rejects.toMatchObject({ code: 'session.channel-refused' })
  })

  test('the service menu opens at level application, and is no shell', async () => {
    session = startTestSession({ access: 'application' })
    const client = await connect(session)
    const channel = await new Promise<ClientChannel>((resolve, reject) => client.shell((error, opened) => (error ? reject(error) : resolve(opened))))
    const { stdout, code } = await collect(channel, '1; id\n')
    expect(stdout.toString()).toContain('service menu')
    expect(stdout.toString()).toContain('chosen: 1; id')
    expect(code).toBe(0)
    const kinds = session.audited().map(({ event }) => event.kind)
    expect(kinds).toContain('menu.opened')
    expect(kinds).not.toContain('terminal.opened')
  })

  test('a client that names a packet size of 0 is cut off', async () => {
    session = startTestSession()
    const client = await connect(session)
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    protocolOf(client).session(50, 1_000_000, 0)
    await closed
    expect(session.audited().map(({ event }) => event.data?.what)).toContain('protocol-violation packet-size')
  })

  test('a client that sends more than its window is cut off', async () => {
    session = startTestSession()
    const client = await connect(session)
    const channel = await new Promise<ClientChannel>((resolve, reject) => client.exec('sleep 60', (error, opened) => (error ? reject(error) : resolve(opened))))
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    const { outgoing } = channel as unknown as { outgoing: { id: number } }
    for (let count = 0; count < 200; count += 1) protocolOf(client).channelData(outgoing.id, Buffer.alloc(32_000))
    await closed
    expect(session.audited().map(({ event }) => event.data?.what)).toContain('protocol-violation window')
  })

  test('after a thousand refusals the session ends', async () => {
    session = startTestSession({ tools: { audit: () => ({}) as never } })
    const client = await connect(session)
    client.on('error', () => undefined)
    for (let count = 0; count < 1_000; count += 1) client.subsys('netconf', () => undefined)
    expect(await session.done).toBe('policy')
  })

  test('an action that the profile does not hold is refused and audited, though the level holds it (R072)', async () => {
    session = startTestSession({ access: 'application', policy: { actions: ['service.restart'] } })
    const client = await connect(session)
    const { stdout, code } = await collect(await subsystem(client, 'gantry-actions'), '{"id":1,"name":"diagnostics.collect","input":{}}\n')
    expect([code, JSON.parse(stdout.toString())]).toEqual([
      1,
      { id: 1, result: { ok: false, failure: { code: 'action.not-allowed', details: { name: 'diagnostics.collect' } } } },
    ])
    expect(session.audited().some(({ event }) => event.kind === 'action.started')).toBe(false)
    expect(session.audited().at(-1)?.event).toMatchObject({ kind: 'channel.refused' })
  })

  test('an action is one line in, one line out, with its own exit status', async () => {
    session = startTestSession({ access: 'diagnostics' })
    const client = await connect(session)
    const ask = async (call: unknown) => {
      const { stdout, code } = await collect(await subsystem(client, 'gantry-actions'), `${JSON.stringify(call)}\n`)
      return { code, ...(JSON.parse(stdout.toString()) as { id: number; result: { ok: boolean; failure?: { code: string } } }) }
    }
    const collected = await ask({ id: 1, name: 'diagnostics.collect', input: {} })
    expect(collected).toMatchObject({ code: 0, id: 1, result: { ok: true, value: { versions: { agent: '0.1.0' }, linesWithheld: 0 } } })
    expect(await ask({ id: 2, name: 'service.restart', input: { reason: 'stuck' } })).toMatchObject({
      code: 1,
      result: { failure: { code: 'access.level-not-allowed' } },
    })
    expect(await ask({ id: 3, name: 'toString', input: {} })).toMatchObject({ result: { failure: { code: 'action.unknown' } } })
    expect(await ask({ id: 4, name: 'diagnostics.collect', input: { logLines: 9_999 } })).toMatchObject({ result: { failure: { code: 'contract.bad-input' } } })
    const started = session.audited().filter(({ event }) => event.kind === 'action.started')
    expect(started.map(({ event }) => event.data?.action)).toEqual(['diagnostics.collect', 'diagnostics.collect'])
  })
})
