import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { health, type LegWorld } from '../support/access-server.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'

/** What is made ready while a person at the device is asked, against real access servers and the agent's real session. */
let world: SessionWorld
beforeEach(async () => {
  world = await startSessionWorld()
})
afterEach(() => world.close())

const countsAt = async (legs: LegWorld) => {
  const { waiting, pairs } = (await health(legs)).body as { waiting: number; pairs: number }
  return { waiting, pairs }
}
const counts = () => Promise.all([countsAt(world.legs), countsAt(world.fallback)])
const nobody = { waiting: 0, pairs: 0 }
const seated = { waiting: 1, pairs: 0 }
const paired = { waiting: 0, pairs: 1 }
const opened = () => [...world.deviceLog.read({ kinds: ['terminal.opened'] })].length

describe('the way to the device while a person there is asked (R025, D2)', () => {
  test('begins with the question, and not while the device is only waited for; the device comes to it after the yes', async () => {
    const asked = await world.ask()
    expect(await counts()).toEqual([nobody, nobody])
    await world.ring(asked.requestId)
    await expect.poll(counts).toEqual([seated, seated])
    await world.allow(asked.requestId)
    const session = await asked.session
    expect(session.view()).toMatchObject({ state: 'open', network: { state: 'carried', failure: null } })
    await expect.poll(counts).toEqual([paired, paired])
  })

  test('ends with a no, and with a request that is taken back', async () => {
    const refused = await world.ask()
    await world.ring(refused.requestId)
    await expect.poll(counts).toEqual([seated, seated])
    await world.main.answer(refused.requestId, { kind: 'refused', code: 'access.refused' })
    await expect(refused.session).rejects.toMatchObject({ code: 'access.refused' })
    await expect.poll(counts).toEqual([nobody, nobody])
    const cancelled = await world.ask()
    await world.ring(cancelled.requestId)
    await expect.poll(counts).toEqual([seated, seated])
    await cancelled.cancel()
    await expect(cancelled.session).rejects.toMatchObject({ code: 'access.cancelled' })
    await expect.poll(counts).toEqual([nobody, nobody])
  })

  test('that led nowhere is no refusal: it is begun anew after the yes', async () => {
    const again = await world.loseServers()
    const asked = await world.ask()
    let settled = false
    void asked.session.then(
      () => undefined,
      () => {
        settled = true
      },
    )
    await world.ring(asked.requestId)
    // Longer than both servers are tried for a leg that never was.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(settled).toBe(false)
    await again()
    await world.allow(asked.requestId)
    expect((await asked.session).view()).toMatchObject({ state: 'open' })
  })
})

describe('a terminal that is waited for (R004)', () => {
  test('opens with the session, once, and is the first that is asked for, in the size that is asked for then', async () => {
    const asked = await world.ask({}, { terminal: { columns: 80, rows: 24 } })
    await world.approve(asked.requestId)
    const session = await asked.session
    await expect.poll(opened).toBe(1)
    const terminal = await session.openTerminal({ columns: 101, rows: 33 })
    let all = ''
    terminal.onData((data) => {
      all += data
      terminal.drawn(data.length)
    })
    terminal.write('stty size\n')
    await expect.poll(() => all).toContain('33 101')
    expect(opened()).toBe(1)
    const second = await session.openTerminal({ columns: 80, rows: 24 })
    await expect.poll(opened).toBe(2)
    expect(second.id).not.toBe(terminal.id)
  })

  test('is none where none is waited for', async () => {
    const session = await world.open()
    await session.exec('true').then(({ exit, stream }) => {
      stream.resume()
      return exit
    })
    expect(opened()).toBe(0)
  })
})
