import { createHash, randomBytes } from 'node:crypto'
import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Session } from '../../main/services/services.ts'
import { isRoot, nobody } from '../support/agent-session.ts'
import { type SessionWorld, startSessionWorld } from '../support/client-session.ts'

/** Files of a session over two real access servers, of which each may go away. */
let world: SessionWorld
let session: Session
let local: string
let told: Transfer[]
beforeEach(async () => {
  local = mkdtempSync(join(tmpdir(), 'local-'))
  world = await startSessionWorld()
  told = []
  world.services.on('transfer.changed', (transfer) => told.push(transfer))
  session = await world.open({ access: 'files' })
  await expect.poll(() => session.view().network).toMatchObject({ state: 'carried', standby: true })
})
afterEach(async () => {
  await world.close()
  rmSync(local, { recursive: true, force: true })
})

const contents = randomBytes(24_000_000)
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('base64url')
const start = async (direction: 'put' | 'get', from: string, to: string) => {
  const { transferIds } = await world.services.transfers.start({ requestId: session.requestId, direction, from: [from], to, replace: false })
  return world.services.transfers.finished(transferIds[0] ?? '')
}
const carrying = () => (session.view().accessServer.name === 'north-1' ? world.legs : world.fallback)
/** In the middle of it: something is there, and not all of it. */
const isUnderWay = (folder: string) => () => readdirSync(folder).some((name) => name.endsWith('.gantry-part') && statSync(join(folder, name)).size > 1_000_000)

describe('a transfer of a session over two access servers (D1, R025)', () => {
  test.each(['put', 'get'] as const)('%s: goes on over the other one, and ends with the same SHA-256', async (direction) => {
    const [mine, theirs] = [join(local, 'file'), join(world.filesRoot, 'file')]
    writeFileSync(direction === 'put' ? mine : theirs, contents, { mode: 0o644 })
    if (isRoot && direction === 'get') chownSync(theirs, nobody.uid, nobody.gid)
    const finished = direction === 'put' ? start('put', mine, '/') : start('get', '/file', local)
    await expect.poll(isUnderWay(direction === 'put' ? world.filesRoot : local), { interval: 1 }).toBe(true)
    await carrying().server.close()
    expect(await finished).toMatchObject({ state: 'done', verified: true, bytes: contents.length, failure: null })
    expect(told.some(({ state }) => state === 'waiting')).toBe(true)
    expect(digest(mine)).toBe(digest(theirs))
    expect([readdirSync(local), readdirSync(world.filesRoot)]).toEqual([['file'], ['file']])
    const kind = direction === 'put' ? 'file.sent' : 'file.received'
    const audited = [...world.deviceLog.read()].filter(({ event }) => event.kind === kind)
    expect(audited.map(({ event }) => event.data)).toEqual([expect.objectContaining({ bytes: contents.length, whole: true })])
  })

  test('waits while there is none, and goes on when one is back', async () => {
    const mine = join(local, 'file')
    writeFileSync(mine, contents)
    const finished = start('put', mine, '/')
    await expect.poll(isUnderWay(world.filesRoot), { interval: 1 }).toBe(true)
    const again = await world.loseServers()
    await expect.poll(() => told.at(-1)?.state).toBe('waiting')
    await again()
    expect(await finished).toMatchObject({ state: 'done', verified: true, bytes: contents.length })
    expect(digest(join(world.filesRoot, 'file'))).toBe(digest(mine))
  })
})
