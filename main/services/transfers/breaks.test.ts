import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { partName } from '@gantry/shared/files.ts'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import type { SessionView, Transfer } from '@gantry/shared/ipc.ts'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDeviceFiles, type TestDeviceFiles } from '../../../test/support/device-files.ts'
import type { Fault } from '../../../test/support/faulty-wire.ts'
import type { Files } from '../services.ts'
import { createFiles } from '../sessions/files.ts'
import { createTransfers, type TransferService } from './transfers.ts'

/** Transfers over legs that break, against the agent's own files. */
let device: TestDeviceFiles
let local: string
let files: Files & { close(): void }
let transfers: TransferService
let told: Transfer[]
let ended: PromiseWithResolvers<{ cause: EndCause; failure: Failure | null }>
const requestId = newId<RequestId>('req')

beforeEach(async () => {
  local = mkdtempSync(join(tmpdir(), 'local-'))
  told = []
  ended = Promise.withResolvers()
  device = await openTestDeviceFiles()
  files = createFiles(device.join)
  const session = { requestId, files, ended: ended.promise, view: () => ({ state: 'open' }) as SessionView }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  transfers = createTransfers({ session: () => session, onChange: (transfer) => told.push(transfer), now: Date.now, log })
})
afterEach(async () => {
  transfers.close()
  files.close()
  await device.close()
  rmSync(local, { recursive: true, force: true })
})

const start = async (direction: 'put' | 'get', from: string, to: string) => {
  const { transferIds } = await transfers.start({ requestId, direction, from: [from], to, replace: true })
  return transferIds[0] ?? ''
}
const move = async (direction: 'put' | 'get', from: string, to: string) => transfers.finished(await start(direction, from, to))
const onDevice = (...path: string[]) => join(device.root, ...path)
const here = (...path: string[]) => join(local, ...path)
const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('base64url')
const octets = randomBytes(6_000_000)
/** What the audit says of whole files and of parts. */
const moves = () => device.events.flatMap((event) => (event.kind === 'sent' || event.kind === 'received' ? [{ kind: event.kind, whole: event.whole }] : []))
const isWaiting = () => told.some(({ state }) => state === 'waiting')
/** Another one than any octet that can be where they are changed. */
const flipped = (chunk: Buffer) => Buffer.from(chunk.map((octet) => octet ^ 0xff))

describe('a transfer whose leg breaks (D1, D18)', () => {
  test('ends with the same SHA-256, wherever and however often it breaks', async () => {
    const fault = fc.oneof(
      { weight: 4, arbitrary: fc.record({ after: fc.nat(4_000_000), how: fc.constant<'cut'>('cut') }) },
      { weight: 1, arbitrary: fc.constant<'absent'>('absent') },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<('put' | 'get')[]>('put', 'get'),
        fc.integer({ min: 0, max: 6_000_000 }),
        fc.array(fault, { maxLength: 6 }),
        async (direction, size, faults) => {
          const [mine, theirs] = [here('file'), onDevice('file')]
          for (const path of [mine, theirs]) rmSync(path, { force: true })
          const source = direction === 'put' ? mine : theirs
          writeFileSync(source, octets.subarray(0, size))
          device.legs.at(-1)?.destroy()
          device.faults.splice(0, Number.POSITIVE_INFINITY, ...faults)
          device.events.splice(0)
          const done = direction === 'put' ? await move('put', mine, '/') : await move('get', '/file', local)
          expect(done).toMatchObject({ state: 'done', verified: true, bytes: size, failure: null })
          expect(digest(mine)).toBe(digest(theirs))
          expect([readdirSync(device.root), readdirSync(local)]).toEqual([['file'], ['file']])
          expect(moves()).toEqual([{ kind: direction === 'put' ? 'sent' : 'received', whole: true }])
        },
      ),
      { numRuns: 8, verbose: 1 },
    )
  })

  test.each(['put', 'get'] as const)('%s: ten breaks, then nobody to be reached for a while, are one transfer', async (direction) => {
    const [mine, theirs] = [here('file'), onDevice('file')]
    writeFileSync(direction === 'put' ? mine : theirs, octets)
    device.faults.push(...Array.from({ length: 10 }, (): Fault => ({ after: 400_000, how: 'cut' })), 'absent', 'absent')
    const done = direction === 'put' ? await move('put', mine, '/') : await move('get', '/file', local)
    expect(done).toMatchObject({ state: 'done', verified: true, bytes: octets.length })
    expect(digest(mine)).toBe(digest(theirs))
    expect(device.faults).toEqual([])
    expect(isWaiting()).toBe(true)
    expect(moves()).toEqual([{ kind: direction === 'put' ? 'sent' : 'received', whole: true }])
  })

  test.each<['put' | 'get', Fault['how']]>([
    ['put', 'silent-to-agent'],
    ['put', 'silent-to-client'],
    ['get', 'silent'],
  ])('%s: a leg that falls %s is given up for another', async (direction, how) => {
    const [mine, theirs] = [here('file'), onDevice('file')]
    writeFileSync(direction === 'put' ? mine : theirs, octets)
    device.faults.push({ after: 2_000_000, how })
    const done = direction === 'put' ? await move('put', mine, '/') : await move('get', '/file', local)
    expect(done).toMatchObject({ state: 'done', verified: true, bytes: octets.length })
    expect(device.legs.length).toBeGreaterThanOrEqual(1)
    expect(digest(mine)).toBe(digest(theirs))
    expect(readdirSync(device.root)).toEqual(['file'])
  })

  test('eight at once share what breaks, and folders go on within', async () => {
    mkdirSync(here('many'))
    for (let index = 0; index < 8; index += 1) {
      writeFileSync(here(`up-${index}`), octets.subarray(index, 2_000_000))
      writeFileSync(here('many', `${index}`), octets.subarray(0, 1_000 * index))
    }
    device.faults.push(...Array.from({ length: 6 }, (): Fault => ({ after: 1_500_000, how: 'cut' })))
    const all = Array.from({ length: 8 }, (_, index) => move('put', here(`up-${index}`), '/'))
    expect((await Promise.all([...all, move('put', here('many'), '/')])).map(({ state }) => state)).toEqual(Array(9).fill('done'))
    device.legs.at(-1)?.destroy()
    device.faults.push(...Array.from({ length: 4 }, (): Fault => ({ after: 20_000, how: 'cut' })))
    mkdirSync(here('back'))
    expect(await move('get', '/many', here('back'))).toMatchObject({ state: 'done', files: 8, filesDone: 8 })
    for (let index = 0; index < 8; index += 1) {
      expect(digest(onDevice(`up-${index}`))).toBe(digest(here(`up-${index}`)))
      expect(digest(here('back', 'many', `${index}`))).toBe(digest(here('many', `${index}`)))
    }
    expect(readdirSync(device.root).sort()).toEqual(['many', ...Array.from({ length: 8 }, (_, index) => `up-${index}`)])
  })

  test('waits for as long as the session lasts, says so, and is cancelled at once', async () => {
    writeFileSync(here('file'), octets)
    device.faults.push({ after: 3_000_000, how: 'cut' }, ...Array.from({ length: 1_000 }, () => 'absent' as const))
    const id = await start('put', here('file'), '/')
    await expect.poll(isWaiting).toBe(true)
    transfers.cancel(id)
    expect(await transfers.finished(id)).toMatchObject({ state: 'cancelled', failure: null })
    // The part goes when there is a way to the device again.
    expect(readdirSync(device.root)).toEqual([partName('file')])
    device.faults.splice(0)
    await expect.poll(() => readdirSync(device.root), { timeout: 10_000 }).toEqual([])
  })

  test('ends with its session, with the cause, also while it waits', async () => {
    writeFileSync(onDevice('file'), octets)
    device.faults.push({ after: 3_000_000, how: 'cut' }, ...Array.from({ length: 1_000 }, () => 'absent' as const))
    const id = await start('get', '/file', local)
    await expect.poll(isWaiting).toBe(true)
    ended.resolve({ cause: 'connection-lost', failure: null })
    expect(await transfers.finished(id)).toMatchObject({ state: 'failed', failure: { code: 'session.ended', details: { cause: 'connection-lost' } } })
    expect(readdirSync(local)).toEqual([])
  })

  test.each<[string, 'put' | 'get', () => void]>([
    ['the part on the device', 'put', () => writeFileSync(onDevice(partName('file')), flipped(readFileSync(onDevice(partName('file')))))],
    ['the file here', 'put', () => writeFileSync(here('file'), flipped(octets))],
    ['the file on the device', 'get', () => writeFileSync(onDevice('file'), flipped(octets))],
  ])('notices that somebody changed %s meanwhile', async (_what, direction, change) => {
    writeFileSync(direction === 'put' ? here('file') : onDevice('file'), octets)
    device.faults.push({ after: 3_000_000, how: 'cut' }, 'absent', 'absent')
    const id = await (direction === 'put' ? start('put', here('file'), '/') : start('get', '/file', local))
    await expect.poll(isWaiting).toBe(true)
    await Promise.allSettled(device.served)
    change()
    expect(await transfers.finished(id)).toMatchObject({ state: 'failed', verified: false, failure: { code: 'file.digest-differs' } })
    const left = () => (direction === 'put' ? readdirSync(device.root) : readdirSync(local))
    await expect.poll(left).toEqual([])
    expect(moves().filter(({ whole }) => whole)).toEqual([])
  })

  test('sends again no more than what had not arrived', async () => {
    writeFileSync(here('file'), octets)
    device.faults.push({ after: 5_500_000, how: 'cut' })
    const id = await start('put', here('file'), '/')
    await expect.poll(isWaiting).toBe(true)
    await Promise.allSettled(device.served)
    const there = statSync(onDevice(partName('file'))).size
    expect(there).toBeGreaterThan(4_000_000)
    await transfers.finished(id)
    expect(digest(onDevice('file'))).toBe(digest(here('file')))
    // The second leg carried the rest alone.
    expect(device.legs).toHaveLength(2)
    expect(device.carried.at(-1)).toBeLessThan(octets.length - there + 200_000)
  })
})
