import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'
import { type DeviceId, newId, type RequestId, type SpecialistId } from '@gantry/shared/ids.ts'
import type { SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDeviceFiles, type TestDeviceFiles } from '../../../test/support/device-files.ts'
import type { Files } from '../services.ts'
import { createFiles } from '../sessions/files.ts'
import { createKeptStore } from './kept.ts'
import { createTransfers, type TransferService } from './transfers.ts'

/** Against the agent's own files; each start of the app has transfers, a session and legs of its own, and shares the profile and the disks with the one before. */
let device: TestDeviceFiles
let root: string
let starts: { files: Files & { close(): void }; transfers: TransferService }[]
let person: SpecialistId | null
let moved: number
const elena = newId<SpecialistId>('spc')
const scanner = { id: newId<DeviceId>('dev'), name: 'CT Suite 3', site: 'Pavilion C' }
const octets = randomBytes(12_000_000)
const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
const here = (...path: string[]) => join(root, 'here', ...path)
const profile = () => join(root, 'profile')

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'kept-'))
  mkdirSync(here())
  mkdirSync(profile())
  device = await openTestDeviceFiles({})
  starts = []
  person = elena
  moved = 0
})
afterEach(async () => {
  for (const { files, transfers } of starts) {
    transfers.close()
    files.close()
  }
  await device.close()
  rmSync(root, { recursive: true, force: true })
})

/** `stopAfter`: so many octets move, then none until the app goes. */
function start({ stopAfter = Number.POSITIVE_INFINITY, isOpen = true } = {}) {
  const files = createFiles(device.join)
  const requestId = newId<RequestId>('req')
  const session = { requestId, files, ended: new Promise<never>(() => undefined), view: () => ({ state: 'open', device: scanner }) as SessionView }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  moved = 0
  const pace = {
    pieceBytes: () => 262_144,
    async take(bytes: number, signal: AbortSignal) {
      moved += bytes
      if (moved >= stopAfter) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      signal.throwIfAborted()
    },
  }
  const kept = { store: createKeptStore(profile()), person: () => person, sessionWith: (id: DeviceId) => (isOpen && id === scanner.id ? session : null) }
  const transfers = createTransfers({ session: () => session, onChange: () => undefined, pace, kept, now: Date.now, log })
  transfers.look()
  starts.push({ files, transfers })
  return { transfers, requestId }
}
type Start = ReturnType<typeof start>

/** What was under way when the app went. */
async function leave(direction: Transfer['direction'], from: string, to: string): Promise<void> {
  const first = start({ stopAfter: 5_000_000 })
  await first.transfers.start({ requestId: first.requestId, direction, from: [from], to, replace: false })
  await expect.poll(() => moved).toBeGreaterThanOrEqual(5_000_000)
  first.transfers.close()
  starts[0]?.files.close()
}
const goOn = async ({ transfers }: Start): Promise<Transfer> => {
  const [left] = transfers.list()
  if (!left) throw new Error('nothing was left')
  transfers.resume(left.id)
  return transfers.finished(left.id)
}

describe('a queue that survives a restart (R073)', () => {
  test.each(['put', 'get'] as const)('%s: is shown as paused, waits for a session with its device, and moves only what is missing', async (direction) => {
    const [source, target] = direction === 'put' ? [here('a.bin'), join(device.root, 'a.bin')] : [join(device.root, 'a.bin'), here('a.bin')]
    writeFileSync(source, octets, { mode: 0o644 })
    await leave(direction, direction === 'put' ? source : '/a.bin', direction === 'put' ? '/' : here())
    const second = start()
    expect(second.transfers.list()).toMatchObject([{ state: 'paused', waitsFor: { id: scanner.id, name: 'CT Suite 3' }, direction, name: 'a.bin' }])
    expect(moved).toBe(0)
    expect(await goOn(second)).toMatchObject({ state: 'done', verified: true, bytes: octets.length, requestId: second.requestId, waitsFor: null })
    expect(moved).toBeGreaterThan(0)
    expect(moved).toBeLessThan(octets.length - 2_000_000)
    expect(sha256(target)).toBe(sha256(source))
    second.transfers.close()
    expect(start().transfers.list()).toEqual([])
  })

  test('a folder goes on with the files that are missing', async () => {
    for (const name of ['1.bin', '2.bin', '3.bin']) {
      mkdirSync(here('many'), { recursive: true })
      writeFileSync(here('many', name), octets.subarray(0, 4_000_000))
    }
    await leave('put', here('many'), '/')
    expect(await goOn(start())).toMatchObject({ state: 'done', files: 3, filesDone: 3, bytes: 12_000_000 })
    for (const name of ['1.bin', '2.bin', '3.bin']) expect(sha256(join(device.root, 'many', name))).toBe(sha256(here('many', name)))
  })

  test.each(['put', 'get'] as const)('%s: what has changed meanwhile is said, and moves anew when it is asked for', async (direction) => {
    const source = direction === 'put' ? here('a.bin') : join(device.root, 'a.bin')
    writeFileSync(source, octets, { mode: 0o644 })
    await leave(direction, direction === 'put' ? source : '/a.bin', direction === 'put' ? '/' : here())
    utimesSync(source, new Date(), new Date(Date.now() - 3_600_000))
    const second = start()
    expect(await goOn(second)).toMatchObject({ state: 'failed', failure: { code: 'file.changed' } })
    const { requestId, transfers } = second
    const { transferIds } = await transfers.start({
      requestId,
      direction,
      from: [direction === 'put' ? source : '/a.bin'],
      to: direction === 'put' ? '/' : here(),
      replace: false,
    })
    expect(await transfers.finished(transferIds[0] as string)).toMatchObject({ state: 'done', verified: true })
  })

  test.each(['put', 'get'] as const)('%s: a part that somebody changed is not put in place', async (direction) => {
    const [source, folder] = direction === 'put' ? [here('a.bin'), device.root] : [join(device.root, 'a.bin'), here()]
    writeFileSync(source, octets, { mode: 0o644 })
    await leave(direction, direction === 'put' ? source : '/a.bin', direction === 'put' ? '/' : here())
    const part = join(folder, partName('a.bin'))
    expect(statSync(part).size).toBeGreaterThan(1_000_000)
    writeFileSync(part, Buffer.alloc(1_000), { flag: 'r+' })
    expect(await goOn(start())).toMatchObject({ state: 'failed', failure: { code: 'file.digest-differs' } })
    expect(existsSync(join(folder, 'a.bin'))).toBe(false)
  })

  test('a local file or folder that is gone is said', async () => {
    writeFileSync(here('a.bin'), octets)
    await leave('put', here('a.bin'), '/')
    rmSync(here('a.bin'))
    expect(await goOn(start())).toMatchObject({ state: 'failed', failure: { code: 'file.not-found' } })
  })

  test('does not go on without a session with its device, and can be removed', async () => {
    writeFileSync(here('a.bin'), octets)
    await leave('put', here('a.bin'), '/')
    const { transfers } = start({ isOpen: false })
    const id = transfers.list()[0]?.id as string
    expect(() => transfers.resume(id)).toThrow(new AppError('session.unknown'))
    expect(transfers.list()[0]).toMatchObject({ state: 'paused' })
    transfers.cancel(id)
    transfers.forget([id])
    transfers.close()
    expect(start().transfers.list()).toEqual([])
  })

  test('that came from the device and is removed leaves nothing of it here', async () => {
    writeFileSync(join(device.root, 'scan.bin'), octets)
    await leave('get', '/scan.bin', here())
    const parts = () => readdirSync(here()).filter((name) => name.endsWith('.gantry-part'))
    expect(parts()).toHaveLength(1)
    const { transfers } = start({ isOpen: false })
    transfers.cancel(transfers.list()[0]?.id as string)
    await expect.poll(parts).toEqual([])
  })

  test('nobody but its owner sees or touches it, and signing out leaves it to them', async () => {
    writeFileSync(here('a.bin'), octets)
    await leave('put', here('a.bin'), '/')
    const { transfers } = start()
    const id = transfers.list()[0]?.id as string
    for (const other of [null, newId<SpecialistId>('spc')]) {
      person = other
      transfers.look()
      expect(transfers.list()).toEqual([])
      transfers.cancel(id)
      transfers.resume(id)
    }
    transfers.close()
    person = elena
    expect(start().transfers.list()).toMatchObject([{ state: 'paused', name: 'a.bin' }])
  })

  test('holds no secret, and is its owner’s to read alone', async () => {
    writeFileSync(here('a.bin'), octets)
    await leave('put', here('a.bin'), '/')
    const path = join(profile(), `transfers-${elena}.json`)
    expect(statSync(path).mode & 0o077).toBe(0)
    expect(Object.keys(JSON.parse(readFileSync(path, 'utf8')).transfers[0]).sort()).toEqual(
      ['device', 'requestId', 'direction', 'name', 'from', 'to', 'replace', 'bytes', 'totalBytes', 'files', 'filesDone', 'done', 'begun'].sort(),
    )
  })

  test.each([
    ['no JSON', '{'],
    ['a later version', '{"version":2,"transfers":[]}'],
    ['a part that would leave its folder', (kept: string) => kept.replace('"at": "a.bin"', '"at": "../../a.bin"')],
    ['a field that is not known', (kept: string) => kept.replace('"version": 1', '"version": 1, "token": "x"')],
  ])('a damaged file is an empty queue, and said: %s', async (_what, damage) => {
    writeFileSync(here('a.bin'), octets)
    await leave('put', here('a.bin'), '/')
    const path = join(profile(), `transfers-${elena}.json`)
    const before = readFileSync(path, 'utf8')
    const damaged = typeof damage === 'string' ? damage : damage(before)
    expect(damaged).not.toBe(before)
    writeFileSync(path, damaged)
    const { transfers } = start()
    expect(transfers.list()).toEqual([])
    expect(transfers.unread()).toMatchObject({ code: 'state.unreadable' })
  })
})
