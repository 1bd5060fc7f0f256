import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CompareRow } from '@gantry/shared/compare-calls.ts'
import type { FileEntry } from '@gantry/shared/files.ts'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDeviceFiles, type TestDeviceFiles } from '../../../test/support/device-files.ts'
import type { Files } from '../services.ts'
import { createFiles } from '../sessions/files.ts'
import { type Comparisons, createComparisons } from './comparisons.ts'
import { createTransfers, type TransferService } from './transfers.ts'

/** Against the agent's own files, and against a device that lists what it likes. */
let device: TestDeviceFiles
let root: string
let files: Files & { close(): void }
let transfers: TransferService
let comparisons: Comparisons
let directions: { put: boolean; get: boolean }
const requestId = newId<RequestId>('req')
const here = (...path: string[]) => join(root, 'here', ...path)
const there = (...path: string[]) => join(device.root, 'set', ...path)

const openWith = (wrap: (files: Files) => Files = (same) => same) => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const view = () => ({ state: 'open', device: { id: 'dev', name: 'CT', site: '' } }) as unknown as SessionView
  const session = { requestId, files: wrap(files), ended: new Promise<never>(() => undefined), view }
  transfers = createTransfers({ session: () => session, onChange: () => undefined, now: Date.now, log })
  comparisons = createComparisons({ session: () => ({ files: session.files, directions }), transfers })
}
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'compare-'))
  mkdirSync(here())
  device = await openTestDeviceFiles({})
  mkdirSync(there())
  chmodSync(there(), 0o777)
  files = createFiles(device.join)
  directions = { put: true, get: true }
  openWith()
})
afterEach(async () => {
  transfers.close()
  files.close()
  await device.close()
  rmSync(root, { recursive: true, force: true })
})

const compare = (digests = false) => comparisons.start({ requestId, local: here(), remote: '/set', digests })
const states = (rows: readonly CompareRow[]) => Object.fromEntries(rows.map(({ path, state }) => [path, state]))
const all = (rows: readonly CompareRow[]) => rows.map((_row, at) => at)
const settled = () => expect.poll(() => transfers.list().filter(({ state }) => state !== 'done')).toEqual([])
const write = (path: string, text: string, atMs = 1_700_000_000_000) => {
  writeFileSync(path, text, { mode: 0o666 })
  utimesSync(path, atMs / 1_000, atMs / 1_000)
}
function fill(): void {
  write(here('same'), 'one')
  write(there('same'), 'one', 1_700_000_001_900)
  write(here('older'), 'one')
  write(there('older'), 'one', 1_700_000_010_000)
  write(here('longer'), 'one')
  write(there('longer'), 'one more')
  write(here('mine'), 'mine')
  write(there('theirs'), 'theirs')
  mkdirSync(here('both'))
  mkdirSync(there('both'))
  chmodSync(there('both'), 0o777)
  write(here('both', 'inner'), 'inner')
  mkdirSync(there('whole'))
  write(there('whole', 'deep'), 'deep')
}

describe('comparing a folder with the device’s (R073)', () => {
  test('tells what is only here, only there, differs and is the same; SHA-256 decides where it is asked for', async () => {
    fill()
    const { rows, stopped, skipped } = await compare()
    expect(states(rows)).toEqual({
      ...{ same: 'same', older: 'differs', longer: 'differs', mine: 'only-here', theirs: 'only-there', whole: 'only-there', 'both/inner': 'only-here' },
    })
    expect([stopped, skipped]).toEqual([null, 0])
    write(there('same'), 'two')
    expect(states((await compare(true)).rows)).toMatchObject({ same: 'differs', older: 'same', longer: 'differs' })
  })

  test('to the device: copies and replaces, and deletes nothing that was not named', async () => {
    fill()
    const { compareId, rows } = await compare()
    expect(await comparisons.apply({ compareId, direction: 'put', copy: all(rows), remove: [] })).toEqual({ transfers: 4, removed: 0, notRemoved: 0 })
    await settled()
    expect(readdirSync(there(), { recursive: true }).sort()).toEqual(
      ['both', 'both/inner', 'longer', 'mine', 'older', 'same', 'theirs', 'whole', 'whole/deep'].sort(),
    )
    expect(readFileSync(there('longer'), 'utf8')).toBe('one')
    await expect(comparisons.apply({ compareId, direction: 'put', copy: all(rows), remove: [] })).rejects.toMatchObject({ code: 'file.not-found' })
  })

  test('from the device: what was taken out stays, what was named is deleted here, folders never are', async () => {
    fill()
    const { compareId, rows } = await compare()
    const copy = all(rows).filter((at) => rows[at]?.path !== 'older')
    expect(await comparisons.apply({ compareId, direction: 'get', copy, remove: all(rows) })).toEqual({ transfers: 3, removed: 2, notRemoved: 0 })
    await settled()
    expect(readdirSync(here(), { recursive: true }).sort()).toEqual(['both', 'longer', 'older', 'same', 'theirs', 'whole', 'whole/deep'].sort())
    expect(readFileSync(here('longer'), 'utf8')).toBe('one more')
  })

  test('on the device only files are deleted that only it has', async () => {
    fill()
    const { compareId, rows } = await compare()
    expect(await comparisons.apply({ compareId, direction: 'put', copy: [], remove: all(rows) })).toMatchObject({ transfers: 0, removed: 1 })
    expect(existsSync(there('theirs'))).toBe(false)
    expect(existsSync(there('whole', 'deep'))).toBe(true)
  })

  test('a session that may only fetch sends nothing, and deletes nothing there', async () => {
    fill()
    directions = { put: false, get: true }
    const { compareId, rows, directions: told } = await compare()
    expect(told).toEqual({ put: false, get: true })
    await expect(comparisons.apply({ compareId, direction: 'put', copy: all(rows), remove: all(rows) })).rejects.toMatchObject({
      code: 'file.direction-closed',
    })
    expect(existsSync(there('theirs'))).toBe(true)
    expect(transfers.list()).toEqual([])
  })

  test('follows no link on either side', async () => {
    symlinkSync('/etc', here('out'))
    symlinkSync('/etc', there('away'))
    mkdirSync(there('out'))
    write(there('out', 'passwd'), 'x')
    const { compareId, rows, skipped } = await compare()
    expect([states(rows), skipped]).toEqual([{ out: 'refused' }, 1])
    expect(await comparisons.apply({ compareId, direction: 'get', copy: all(rows), remove: all(rows) })).toMatchObject({ transfers: 0, removed: 0 })
  })

  test('a link that came into a folder’s place after the look leads nowhere', async () => {
    mkdirSync(here('both'))
    mkdirSync(there('both'))
    write(there('both', 'new'), 'x')
    const { compareId, rows } = await compare()
    rmSync(here('both'), { recursive: true })
    mkdirSync(join(root, 'elsewhere'))
    symlinkSync(join(root, 'elsewhere'), here('both'))
    await expect(comparisons.apply({ compareId, direction: 'get', copy: all(rows), remove: [] })).rejects.toMatchObject({ code: 'file.outside-root' })
    expect(readdirSync(join(root, 'elsewhere'))).toEqual([])
  })
})

describe('a device that lists what it likes (R073)', () => {
  const lying = (entries: (path: string) => Partial<FileEntry>[]) =>
    openWith((real) => ({
      ...real,
      call: (async (name: string, input: { path: string }) =>
        name === 'files.list'
          ? { freeBytes: 1, entries: entries(input.path).map((entry) => ({ kind: 'file', size: 1, modifiedMs: 0, mode: 0o644, ...entry })) }
          : real.call(name as never, input as never)) as Files['call'],
    }))

  test('no name leads out of the chosen folder', async () => {
    write(join(root, 'outside'), 'x')
    lying(() => ['..', '.', '', '../outside', '/etc/passwd', 'a/../../outside', 'nul\u0000', 'back\\slash', 'turn\u202Egpj.exe'].map((name) => ({ name })))
    const { rows, compareId } = await compare()
    expect(rows.filter(({ state }) => state !== 'refused').map(({ path, isRenamed }) => [path, isRenamed])).toEqual([
      ['back%5Cslash', true],
      ['turn%E2%80%AEgpj.exe', true],
    ])
    await comparisons.apply({ compareId, direction: 'get', copy: all(rows), remove: all(rows) })
    await expect.poll(() => transfers.list().every(({ state }) => state === 'failed')).toBe(true)
    expect(transfers.list().map(({ to }) => to)).toEqual([here(), here()])
    expect([readdirSync(here()), readFileSync(join(root, 'outside'), 'utf8')]).toEqual([[], 'x'])
  })

  test('two names that would be one here are not both taken', async () => {
    lying(() => [{ name: 'a\u0007' }, { name: 'a%07' }])
    expect((await compare()).rows.map(({ state }) => state).sort()).toEqual(['only-there', 'refused'])
  })

  test('folders without end and more entries than can be looked at end the comparison, which says so', async () => {
    mkdirSync(here(...Array.from({ length: 40 }, () => 'd')), { recursive: true })
    lying(() => [{ name: 'd', kind: 'folder' }])
    expect((await compare()).stopped).toBe('depth')
    lying(() => Array.from({ length: 20_000 }, (_entry, at) => ({ name: `f${at}` })))
    const { stopped, rows } = await compare()
    expect([stopped, rows.length]).toEqual(['entries', 10_000])
  })

  test('a comparison is ended by the person', async () => {
    openWith((real) => ({
      ...real,
      call: ((_name: string, _input: unknown, options?: { signal?: AbortSignal }) =>
        new Promise((_resolve, reject) => options?.signal?.addEventListener('abort', () => reject(options.signal?.reason)))) as Files['call'],
    }))
    const running = compare()
    comparisons.stop(requestId)
    await expect(running).rejects.toMatchObject({ code: 'file.cancelled' })
  })
})
