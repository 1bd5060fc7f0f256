import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { EventPayload, SessionView } from '@gantry/shared/ipc.ts'
import { generateSigningKey, newNonce } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Terminal } from '../../main/services/services.ts'
import { drawLimits, maxUnreadBytes } from '../../main/services/sessions/terminal.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'
import { hostKeyLine } from '../support/host-key.ts'

/** Through a real access server to the agent's real session. */
let world: SessionWorld
let views: SessionView[]
beforeEach(async () => {
  world = await startSessionWorld()
  views = []
  world.services.on('session.changed', (view) => views.push(view))
})
afterEach(() => world.close())

/** All that a terminal shows, drawn at once. */
const shown = (terminal: Terminal): { text: () => string; until: (what: string) => Promise<void> } => {
  let all = ''
  terminal.onData((data) => {
    all += data
    terminal.drawn(data.length)
  })
  return { text: () => all, until: (what) => expect.poll(() => all, { timeout: 10_000 }).toContain(what) }
}

describe('a session', () => {
  test('is a shell of the device’s user, with its window size and its exit code', async () => {
    const session = await world.open()
    expect(session.view()).toMatchObject({
      state: 'open',
      access: 'os',
      approvedBy: 'policy',
      accessServer: { name: 'north-1', site: 'North' },
      auditVerified: true,
    })
    expect(session.view().endsMs - session.view().startedMs).toBe(30 * 60_000)
    const terminal = await session.openTerminal({ columns: 90, rows: 25 })
    const screen = shown(terminal)
    terminal.write('stty size; echo "été" | tr a-z A-Z\n')
    await screen.until('25 90')
    terminal.resize(120, 40)
    terminal.write('stty size\n')
    await screen.until('40 120')
    terminal.write('exit 7\n')
    expect(await terminal.closed).toEqual({ exitCode: 7, failure: null })
    expect(session.view().state).toBe('open')
  })

  test('holds the device back while the screen is behind, and loses nothing of a flood', async () => {
    const session = await world.open()
    const terminal = await session.openTerminal({ columns: 80, rows: 24 })
    let [received, drawn, ahead] = [0, 0, 0]
    let tail = ''
    terminal.onData((data) => {
      received += data.length
      tail = (tail + data).slice(-200)
      ahead = Math.max(ahead, received - drawn)
    })
    terminal.write('stty -echo; seq 1 300000; echo the-end\n')
    await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThan(drawLimits.pauseAbove)
    const behind = received
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(received - behind).toBeLessThan(40_000)
    const draw = setInterval(() => {
      terminal.drawn(received - drawn)
      drawn = received
    }, 5)
    await expect.poll(() => tail, { timeout: 15_000 }).toContain('300000\r\nthe-end')
    clearInterval(draw)
    expect(ahead).toBeLessThan(drawLimits.pauseAbove + 40_000)
  })

  test('ends a terminal whose program never reads, before what is typed fills the memory (T10)', async () => {
    const session = await world.open()
    const terminal = await session.openTerminal({ columns: 80, rows: 24 })
    const screen = shown(terminal)
    terminal.write("stty raw -echo; printf 'dea''f'; exec sleep 60\n")
    await screen.until('deaf')
    const piece = 'x'.repeat(65_536)
    let written = 0
    const ended = terminal.closed.then((how) => ({ how, written }))
    for (; written < 8 * maxUnreadBytes && session.view().state === 'open'; written += piece.length) {
      terminal.write(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect((await ended).how).toMatchObject({ failure: { code: 'session.terminal-unread' } })
    expect((await ended).written).toBeLessThan(3 * maxUnreadBytes)
    // The others go on.
    const other = await session.openTerminal({ columns: 80, rows: 24 })
    const otherScreen = shown(other)
    other.write('echo st""ill\n')
    await otherScreen.until('still')
  })

  test('runs a command with its bytes as they are, its two outputs apart and its exit code', async () => {
    const session = await world.open()
    const { stream, stderr, exit } = await session.exec('cat; echo oh >&2; exit 3')
    stream.end('bytes in\n')
    expect([await text(stream), await text(stderr), await exit]).toEqual(['bytes in\n', 'oh\n', { code: 3, signal: null }])
  })

  test('moves a folder to the device and back, and the pane sees it', async () => {
    const session = await world.open({ access: 'files' })
    await session.files.call('files.make-folder', { path: '/new' })
    const contents = [Buffer.from('over the files leg')]
    await session.files.write({ path: '/new/a', offset: 0, check: newNonce() }, async (block) => contents.pop()?.copy(block) ?? 0)
    expect(await session.files.call('files.list', { path: '/new' })).toMatchObject({ entries: [{ name: 'a', kind: 'file', size: 18 }] })
  })

  test('holds no more than its access level', async () => {
    const session = await world.open({ access: 'diagnostics' })
    await expect(session.openTerminal({ columns: 80, rows: 24 })).rejects.toMatchObject({ code: 'session.channel-refused' })
    await expect(session.exec('id')).rejects.toMatchObject({ code: 'session.channel-refused' })
    await expect(session.files.call('files.list', { path: '/' })).rejects.toMatchObject({ code: 'session.channel-refused' })
    await expect(session.runAction('service.restart', { reason: 'a test' })).rejects.toMatchObject({
      code: 'access.level-not-allowed',
    })
    await expect(session.runAction('no.such', {})).rejects.toMatchObject({ code: 'action.unknown' })
    expect(session.view().state).toBe('open')
  })

  test('shows the service menu at `application`, and no shell', async () => {
    const session = await world.open({ access: 'application' })
    const terminal = await session.openTerminal({ columns: 80, rows: 24 })
    const screen = shown(terminal)
    await screen.until('service menu')
    terminal.write('1\n')
    await screen.until('chosen: 1')
    await expect(session.exec('id')).rejects.toMatchObject({ code: 'session.channel-refused' })
  })

  test('stands beside others, each with its own device answers', async () => {
    const [one, two] = [await world.open(), await world.open({ access: 'files' })]
    expect(world.services.sessions.list().map(({ requestId, state }) => [requestId, state])).toEqual([
      [one.requestId, 'open'],
      [two.requestId, 'open'],
    ])
    await one.end()
    expect([one.view().state, two.view().state]).toEqual(['ended', 'open'])
    await two.files.call('files.list', { path: '/' })
  })

  test('gives further legs to whoever speaks SSH on them, eight at most', async () => {
    const session = await world.open()
    const leg = await session.openControlLeg()
    const [banner] = (await once(leg, 'data')) as [Buffer]
    expect(banner.toString()).toMatch(/^SSH-2\.0-/)
    const more = await Promise.all(Array.from({ length: 7 }, () => session.openControlLeg()))
    await expect(session.openControlLeg()).rejects.toMatchObject({ code: 'session.too-many-connections' })
    for (const one of [leg, ...more]) one.destroy()
  })
})

describe('the second level (R065, R078)', () => {
  test('a device with another host key than it signed is left at once', async () => {
    const asked = await world.ask()
    await world.approve(asked.requestId, 'policy', { hostKey: generateSigningKey().privateKey })
    await expect(asked.session).rejects.toMatchObject({ code: 'device.host-key-wrong' })
    expect(hostKeyLine(generateSigningKey())).not.toBe(world.main.device.hostKey)
  })

  test('a support key that is not the person’s is refused by the device', async () => {
    const asked = await world.ask()
    world.main.people.person.supportKey = generateSigningKey().publicJwk
    await world.approve(asked.requestId)
    await expect(asked.session).rejects.toMatchObject({ code: expect.stringMatching(/^session\./) })
    expect(world.services.requests.list()[0]).toMatchObject({ state: 'ended' })
  })
})

describe('the end of a session', () => {
  test('by the specialist: every terminal and leg closes, and both logs agree on the device’s events (R089, R092)', async () => {
    const session = await world.open()
    const told: EventPayload<'session.activity'>[] = []
    world.services.on('session.activity', (activity) => told.push(activity))
    const terminal = await session.openTerminal({ columns: 80, rows: 24 })
    shown(terminal)
    await session.files.call('files.make-folder', { path: '/new' })
    await session.end()
    expect(await session.ended).toEqual({ cause: 'specialist', failure: null })
    expect(await world.done()).toBe('specialist')
    expect(await terminal.closed).toMatchObject({ failure: { code: 'session.ended', details: { cause: 'specialist' } } })
    expect(views.at(-1)).toMatchObject({ state: 'ended', endCause: 'specialist', auditVerified: true })
    const atDevice = [...world.deviceLog.read({ requestId: session.requestId })].map(({ event }) => event)
    const here = session.activity()
    expect(here.verified).toBe(true)
    expect(here.events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['terminal.opened', 'folder.made']))
    for (const event of here.events) expect(atDevice).toContainEqual(event)
    expect(told.map(({ event }) => event)).toEqual(here.events)
    expect(await world.services.audit.verify()).toMatchObject({ stores: [{ ok: true, fault: null }] })
    await expect(session.exec('id')).rejects.toMatchObject({ code: 'session.ended' })
  })

  test.each(['person', 'time', 'idle', 'revoked', 'agent-stopped'] as const)('by the device, which says why: %s', async (cause) => {
    const session = await world.open()
    world.end(cause)
    expect((await session.ended).cause).toBe(cause)
    expect(views.at(-1)).toMatchObject({ state: 'ended', endCause: cause })
  })

  test('is not that of the sign-in, nor of the main server: the session goes on', async () => {
    const session = await world.open()
    world.main.token = 'another'
    world.main.tell('sign-in.ended', { why: 'signed-out' })
    await expect.poll(() => world.services.signIn.state().phase).toBe('expired')
    const { stream, exit } = await session.exec('echo still here')
    expect([await text(stream), (await exit).code]).toEqual(['still here\n', 0])
    await session.end()
    expect((await session.ended).cause).toBe('specialist')
  })
})

describe('a request that is cancelled while the legs are joined', () => {
  test('opens no session', async () => {
    const asked = await world.ask()
    const { hostKey } = world.main.device
    await world.main.answer(asked.requestId, { kind: 'picked-up', rule: 'allow', draw: 'A'.repeat(43), hostKey })
    await world.main.answer(asked.requestId, { kind: 'approved', by: 'policy', hostKey })
    await expect.poll(() => world.services.requests.list()[0]?.state).toBe('approved')
    await asked.cancel()
    await expect(asked.session).rejects.toMatchObject({ code: 'access.cancelled' })
    expect(world.services.sessions.list()).toEqual([])
  })
})
