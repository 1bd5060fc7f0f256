import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { EndCause } from '../../shared/access-request.ts'
import { connect, exec, isRoot, sessionChannel, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

describe('the life of a session', () => {
  let session: TestSession
  afterEach(() => session.close())
  const kinds = () => session.audited().map(({ event }) => event.kind)
  const last = () => session.audited().at(-1)?.event

  test('is written down before the first byte, and told to the panel with its end', async () => {
    session = startTestSession({ minutes: 30 })
    await connect(session)
    expect(kinds()).toEqual(['log.opened', 'session.opened'])
    const [opened] = session.panel
    expect(opened).toMatchObject({
      type: 'session.opened',
      session: { requestId: session.requestId, specialist: 'Asha Rao', access: 'os', approvedBy: 'person' },
    })
    if (opened?.type === 'session.opened') expect(opened.session.endsMs - opened.session.startedMs).toBe(30 * 60_000)
  })

  test.each<EndCause>(['person', 'case-closed', 'revoked', 'policy', 'agent-stopped'])(
    'ended from outside: %s is told to the client, audited and shown (R087)',
    async (cause) => {
      session = startTestSession()
      const client = await connect(session)
      const calls = await sessionChannel(client)
      const events: unknown[] = []
      calls.onEvent((name, payload) => events.push({ name, payload }))
      await calls.call('session.describe', {})
      session.end(cause)
      expect(await session.done).toBe(cause)
      await calls.closed
      expect(events).toContainEqual({ name: 'ending', payload: { cause } })
      expect(last()).toMatchObject({ kind: 'session.ended', cause })
      expect(session.panel.at(-1)).toEqual({ type: 'session.ended', requestId: session.requestId, cause })
    },
  )

  test('an abort before the legs are joined is no session', async () => {
    session = startTestSession({
      tools: { openLeg: (_leg, { signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))) },
    })
    session.end('revoked')
    await expect(session.done).rejects.toMatchObject({ code: 'session.ended' })
    expect(kinds()).toEqual(['log.opened'])
  })

  test('the granted minutes are over: time', async () => {
    session = startTestSession({ minutes: 0.02 })
    await connect(session)
    expect(await session.done).toBe('time')
  })

  test('nobody does anything: idle; key exchanges and keep-alives do not count', async () => {
    session = startTestSession({ policy: { idleMinutes: 0.02 } })
    await connect(session)
    expect(await session.done).toBe('idle')
  })

  test('session.end by the specialist is answered, and ends it', async () => {
    session = startTestSession()
    const calls = await sessionChannel(await connect(session))
    expect(await calls.call('session.end', {})).toEqual({})
    expect(await session.done).toBe('specialist')
  })

  test('a goodbye of the first connection is the specialist’s end; a cut is a lost connection', async () => {
    session = startTestSession()
    const client = await connect(session)
    client.end()
    expect(await session.done).toBe('specialist')
    await session.close()

    session = startTestSession()
    const leg = await session.dial('control-1')
    const { connectWith } = await import('../../test/support/agent-session.ts')
    const other = await connectWith(session, leg, { keys: [session.keys.session, session.keys.support] })
    other.on('error', () => undefined)
    leg.destroy()
    expect(await session.done).toBe('connection-lost')
  })

  test('no audit, no session: what cannot be written does not happen, and ends it', async () => {
    session = startTestSession()
    const client = await connect(session)
    client.on('error', () => undefined)
    session.breakAudit()
    await exec(client, 'touch happened').catch(() => undefined)
    expect(await session.done).toBe('audit-failed')
    expect(existsSync(`${session.filesRoot}/happened`)).toBe(false)
  })

  test('without an audit store it never begins', async () => {
    session = startTestSession({
      tools: {
        audit: () => {
          throw new Error('disk')
        },
      },
    })
    await expect(session.done).rejects.toThrow()
  })

  test('describe, heads and activity: own events whole, others by hash, without a gap', async () => {
    session = startTestSession()
    const client = await connect(session)
    const calls = await sessionChannel(client)
    const links: { seq: number; prev: string; hash: string; event: { kind: string } | null }[] = []
    calls.onEvent((name, payload) => name === 'activity' && links.push(payload as (typeof links)[number]))
    const described = await calls.call('session.describe', {})
    expect(described).toMatchObject({ separated: isRoot, auditKey: { kty: 'EC' } })
    const { head } = await calls.call('head.exchange', { head: described.head })
    expect(head).not.toBe(described.head)
    await exec(client, 'true')
    await expect.poll(() => links.map(({ event }) => event?.kind ?? null)).toEqual([null, 'exec.started', 'exec.finished'])
    for (const [index, link] of links.entries()) if (index > 0) expect(link.prev).toBe(links[index - 1]?.hash)
  })

  test('eight connections may join, a ninth may not, and a place that is free again is given again', async () => {
    session = startTestSession()
    const calls = await sessionChannel(await connect(session))
    const clients = []
    for (let count = 0; count < 8; count += 1) {
      const { leg } = await calls.call('leg.open', { kind: 'control' })
      clients.push(await connect(session, leg))
    }
    await expect(calls.call('leg.open', { kind: 'control' })).rejects.toMatchObject({ code: 'session.too-many-connections' })
    expect((await exec(clients[7] as never, 'echo joined')).stdout.toString()).toBe('joined\n')
    clients[3]?.end()
    await expect
      .poll(() =>
        calls.call('leg.open', { kind: 'control' }).then(
          ({ leg }) => leg,
          () => null,
        ),
      )
      .toMatch(/^control-[2-9]$/)
  })

  test.each<[string, string]>([
    ['nohup', 'nohup sleep 301 >/dev/null 2>&1 & echo'],
    ['setsid', 'setsid -f sleep 301 >/dev/null 2>&1; echo'],
    ['a double fork', '( ( sleep 301 >/dev/null 2>&1 & ) & ); echo'],
    ...(isRoot ? [['setsid without an environment', 'setsid -f env -i sleep 301 </dev/null >/dev/null 2>&1; echo'] as [string, string]] : []),
  ])('%s does not outlive the session', async (_name, command) => {
    session = startTestSession()
    const client = await connect(session)
    await exec(client, command)
    const sleepers = () => pidsOf(['sleep', '301'])
    await expect.poll(() => sleepers().length).toBe(1)
    session.end('person')
    await session.done
    expect(sleepers()).toEqual([])
    // The shell that began it may still be on its way out, and counts then.
    expect([1, 2]).toContain(last()?.data?.processesEnded)
  })

  test('new keys are exchanged in the middle of a transfer without a lost byte', async () => {
    session = startTestSession()
    const client = await connect(session)
    const { stdout } = await exec(client, 'head -c 30000000 /dev/zero')
    expect(stdout.length).toBe(30_000_000)
  })
})

function pidsOf(command: string[]): string[] {
  const commandLine = `${command.join('\x00')}\x00`
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith(commandLine)
    } catch {
      return false
    }
  })
}
