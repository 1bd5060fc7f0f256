import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openProxySettings } from '../../main/services/main-server/proxy-setting.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { fixedRoutes } from '../../shared/node/proxy-rules.ts'
import { createSessionLegs } from '../../shared/node/session-legs.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'
import { account, type ProxyProgram, startSquid, stopAll } from './support/proxy-programs.ts'

let world: SessionWorld
let office: ProxyProgram
let hospital: ProxyProgram
const folder = mkdtempSync(join(tmpdir(), 'proxy-session-'))
const portOf = (origin: string) => Number(new URL(origin).port)
beforeAll(async () => {
  world = await startSessionWorld()
  const access = [world.legs.ref.port, world.fallback.ref.port]
  office = await startSquid({ allowed: [portOf(world.main.origin), ...access], auth: 'digest' })
  hospital = await startSquid({ allowed: access, auth: 'basic' })
})
afterAll(async () => {
  await world.close()
  await stopAll()
  rmSync(folder, { recursive: true, force: true })
})

const connects = (proxy: ProxyProgram) => new Set(proxy.requests().flatMap((line) => (line.includes(' 200 ') ? Number(/:(\d+) /.exec(line)?.[1]) : [])))

test('a session with a proxy at each end: the request, the shell and files, all through them (D9, R046)', async () => {
  const { main, legs, fallback } = world
  const url = `http://127.0.0.1:${office.port}`
  await openProxySettings(main.profileDir, main.store).change({ use: 'manual', url, except: [], ca: null }, account)
  const routesFor = fixedRoutes({
    ...{ address: { host: '127.0.0.1', port: hospital.port, secure: false }, ca: null, except: () => false },
    credentials: async () => account,
  })
  const asked = await world.ask()
  const created = main.created.find(({ payload }) => payload.id === asked.requestId)
  if (!created) throw new Error('no such request')
  const { ticket, ticketText } = created
  const dial = createDialler({ ca: main.ca, routesFor })
  await world.approve(asked.requestId, 'policy', { openLeg: createSessionLegs({ dial, ticket, ticketText, side: 'agent', key: main.device.key }).open })
  const session = await asked.session

  const terminal = await session.openTerminal({ columns: 80, rows: 24 })
  let shown = ''
  terminal.onData((data) => {
    shown += data
    terminal.drawn(data.length)
  })
  terminal.write('echo "through $((40 + 2)) walls"\n')
  await expect.poll(() => shown).toContain('through 42 walls')

  const content = randomBytes(3_000_000)
  writeFileSync(join(folder, 'up.bin'), content)
  const move = async (direction: 'put' | 'get', from: string, to: string) => {
    const { transferIds } = await world.services.transfers.start({ requestId: session.requestId, direction, from: [from], to, replace: false })
    return world.services.transfers.finished(transferIds[0] ?? '')
  }
  expect(await move('put', join(folder, 'up.bin'), '/')).toMatchObject({ state: 'done', verified: true })
  const down = mkdtempSync(join(folder, 'down-'))
  expect(await move('get', '/up.bin', down)).toMatchObject({ state: 'done', verified: true })
  expect(readFileSync(join(down, 'up.bin')).equals(content)).toBe(true)

  await session.end()
  await world.done()
  await expect.poll(() => connects(hospital)).toEqual(new Set([legs.ref.port, fallback.ref.port]))
  await expect.poll(() => connects(office)).toEqual(new Set([portOf(main.origin), legs.ref.port, fallback.ref.port]))
})
