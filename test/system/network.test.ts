import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session, Terminal } from '../../main/services/services.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'

/** A session over two real access servers, of which each may go away. */
let world: SessionWorld
let views: SessionView[]
beforeEach(async () => {
  world = await startSessionWorld()
  views = []
  world.services.on('session.changed', (view) => views.push(view))
})
afterEach(() => world.close())

async function openShell(): Promise<{ session: Session; terminal: Terminal; until: (what: string) => Promise<void> }> {
  const session = await world.open()
  await expect.poll(() => session.view().network).toMatchObject({ state: 'carried', standby: true, failure: null })
  const terminal = await session.openTerminal({ columns: 80, rows: 24 })
  let all = ''
  terminal.onData((data) => {
    all += data
    terminal.drawn(data.length)
  })
  return { session, terminal, until: (what) => expect.poll(() => all).toContain(what) }
}

const carrying = (session: Session) => (session.view().accessServer.name === 'north-1' ? world.legs : world.fallback)
const kinds = (kind: string) => [...world.deviceLog.read()].filter(({ event }) => event.kind === kind).map(({ event }) => event.data)

describe('a session over two access servers (R025, R026, D1)', () => {
  test('goes on over the other one in the same shell, says so quietly, and both logs know', async () => {
    const { session, terminal, until } = await openShell()
    terminal.write('x=kept; echo "one:$x"\n')
    await until('one:kept')
    const gone = carrying(session)
    await gone.server.close()
    terminal.write('echo "two:$x"\n')
    await until('two:kept')
    const other = gone === world.legs ? world.fallback : world.legs
    await expect.poll(() => session.view().accessServer).toEqual({ name: other.ref.name, site: other.ref.site })
    expect(session.view()).toMatchObject({ state: 'open', failure: null, network: { state: 'carried', standby: false } })
    await expect.poll(() => kinds('link.switched')).toEqual([{ accessServer: other.ref.name, site: other.ref.site, from: gone.ref.name }])
    const own = readFileSync(join(world.main.profileDir, 'audit.jsonl'), 'utf8')
    expect(own).toContain('"kind":"link.switched"')
    await session.end()
    expect((await session.ended).cause).toBe('specialist')
    expect(await world.done()).toBe('specialist')
  })

  test('without any, it is interrupted, not ended: it names the hop, keeps what was typed, and goes on where it was', async () => {
    const { session, terminal, until } = await openShell()
    terminal.write('y=kept; echo "ready:$y"\n')
    await until('ready:kept')
    const again = await world.loseServers()
    await expect.poll(() => session.view().network).toMatchObject({ state: 'interrupted', failure: { code: 'server.unreachable', details: { hop: 'tcp' } } })
    terminal.write('echo "later:$y"\n')
    await again()
    await until('later:kept')
    await expect.poll(() => session.view().network).toMatchObject({ state: 'carried', failure: null })
    expect(kinds('link.interrupted')).toHaveLength(1)
    expect(kinds('link.resumed')).toHaveLength(1)
    await session.end()
  })

  test('an interrupted session that is over elsewhere is over here too', async () => {
    const { session } = await openShell()
    const again = await world.loseServers()
    await expect.poll(() => session.view().network.state).toBe('interrupted')
    world.main.change(session.requestId, { state: 'ended', endCause: 'person' })
    expect((await session.ended).cause).toBe('person')
    await again()
  })

  test('a joined connection lives on as well', async () => {
    const { session } = await openShell()
    const { stream, exit } = await session.exec('read line; echo "got $line"')
    await carrying(session).server.close()
    stream.end('this\n')
    expect([await text(stream), (await exit).code]).toEqual(['got this\n', 0])
    await session.end()
  })
})
