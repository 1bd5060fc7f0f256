import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Failure } from '@gantry/shared/errors.ts'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import type { SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDeviceFiles, type TestDeviceFiles } from '../../../test/support/device-files.ts'
import type { Files } from '../services.ts'
import { createFiles } from '../sessions/files.ts'
import { createPace, type Pace } from './pace.ts'
import { createTransfers, type TransferService } from './transfers.ts'

/** Against the agent's own files, over TLS 1.3 and HTTP/2. */
let device: TestDeviceFiles
let local: string
let files: Files & { close(): void }
let transfers: TransferService
let told: Transfer[]
const requestId = newId<RequestId>('req')
let ended: PromiseWithResolvers<{ cause: EndCause; failure: Failure | null }>

const open = async (rules = {}, wrap: (files: Files) => Files = (same) => same, pace?: Pace) => {
  device = await openTestDeviceFiles(rules)
  files = createFiles(device.join)
  const session = { requestId, files: wrap(files), ended: ended.promise, view: () => ({ state: 'open' }) as SessionView }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  transfers = createTransfers({ session: () => session, onChange: (transfer) => told.push(transfer), ...(pace ? { pace } : {}), now: Date.now, log })
}
beforeEach(() => {
  local = mkdtempSync(join(tmpdir(), 'local-'))
  told = []
  ended = Promise.withResolvers()
})
afterEach(async () => {
  transfers.close()
  files.close()
  await device.close()
  rmSync(local, { recursive: true, force: true })
})

const move = async (direction: 'put' | 'get', from: string[], to: string, more: { replace?: boolean; as?: string } = {}): Promise<Transfer[]> => {
  const { transferIds } = await transfers.start({ requestId, direction, from, to, replace: more.replace ?? false }, { as: more.as })
  return Promise.all(transferIds.map((id) => transfers.finished(id)))
}
const onDevice = (...path: string[]) => join(device.root, ...path)
const here = (...path: string[]) => join(local, ...path)
const big = randomBytes(6_000_000)

describe('a transfer', () => {
  test('brings a file to the device under a temporary name, compares it on both ends, then renames it', async () => {
    await open()
    writeFileSync(here('update.bin'), big)
    utimesSync(here('update.bin'), 1_700_000_000.123, 1_700_000_000.123)
    const [done] = await move('put', [here('update.bin')], '/')
    expect(done).toMatchObject({ state: 'done', verified: true, bytes: big.length, totalBytes: big.length, files: 1, filesDone: 1, failure: null })
    expect(readFileSync(onDevice('update.bin')).equals(big)).toBe(true)
    expect(readdirSync(device.root)).toEqual(['update.bin'])
    // Both sides count as the same file from then on.
    expect(Math.trunc(statSync(onDevice('update.bin')).mtimeMs)).toBe(1_700_000_000_123)
    expect(new Set(told.map(({ state }) => state))).toEqual(new Set(['queued', 'running', 'verifying', 'done']))
    expect(device.events).toContainEqual(expect.objectContaining({ kind: 'sent', whole: true, bytes: big.length }))
  })

  test('brings a file from the device, and tells the device what arrived', async () => {
    await open()
    writeFileSync(onDevice('log.txt'), big)
    const [done] = await move('get', ['/log.txt'], local)
    expect(done).toMatchObject({ state: 'done', verified: true, bytes: big.length })
    expect(readFileSync(here('log.txt')).equals(big)).toBe(true)
    expect(readdirSync(local)).toEqual(['log.txt'])
    expect(device.events).toContainEqual(expect.objectContaining({ kind: 'received', whole: true, bytes: big.length }))
  })

  test('takes folders with all that is in them, both ways, and follows no link', async () => {
    await open()
    mkdirSync(here('a/b/empty'), { recursive: true })
    writeFileSync(here('a/one'), '1')
    writeFileSync(here('a/b/two'), '')
    symlinkSync('/etc/hostname', here('a/link'))
    const [put] = await move('put', [here('a')], '/')
    expect(put).toMatchObject({ state: 'done', files: 2, filesDone: 2 })
    expect(readdirSync(device.root, { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/empty', 'a/b/two', 'a/one'])
    symlinkSync('/etc', onDevice('a/out'))
    mkdirSync(here('back'))
    const [get] = await move('get', ['/a'], here('back'))
    expect(get).toMatchObject({ state: 'done', files: 2, filesDone: 2 })
    expect(readdirSync(here('back'), { recursive: true }).sort()).toEqual(['a', 'a/b', 'a/b/empty', 'a/b/two', 'a/one'])
  })

  test('gives a single file another name at its destination', async () => {
    await open()
    writeFileSync(here('a.txt'), 'a')
    await move('put', [here('a.txt')], '/', { as: 'b.txt' })
    await move('get', ['/b.txt'], local, { as: 'c.txt' })
    expect([readFileSync(onDevice('b.txt'), 'utf8'), readFileSync(here('c.txt'), 'utf8')]).toEqual(['a', 'a'])
  })

  test('replaces only where it was told to', async () => {
    await open()
    writeFileSync(here('x'), 'new')
    writeFileSync(onDevice('x'), 'old')
    expect((await move('put', [here('x')], '/'))[0]).toMatchObject({ state: 'failed', failure: { code: 'file.exists' } })
    expect((await move('get', ['/x'], local))[0]).toMatchObject({ state: 'failed', failure: { code: 'file.exists' } })
    expect([readFileSync(onDevice('x'), 'utf8'), readFileSync(here('x'), 'utf8')]).toEqual(['old', 'new'])
    expect((await move('put', [here('x')], '/', { replace: true }))[0]).toMatchObject({ state: 'done' })
    expect(readFileSync(onDevice('x'), 'utf8')).toBe('new')
  })

  test('writes no name of the device outside the chosen folder, nor one that reads otherwise than it is', async () => {
    await open()
    mkdirSync(onDevice('odd'))
    for (const name of ['back\\slash', 'nul', 'plain']) writeFileSync(onDevice('odd', name), name)
    mkdirSync(here('odd'))
    symlinkSync(tmpdir(), here('odd', 'deep'))
    mkdirSync(onDevice('odd', 'deep'))
    writeFileSync(onDevice('odd', 'deep', 'escaped'), '')
    const [get] = await move('get', ['/odd'], local)
    expect(get).toMatchObject({ state: 'failed', filesDone: 3, failure: { code: 'file.outside-root' } })
    expect(readdirSync(here('odd')).sort()).toEqual(['%6Eul', 'back%5Cslash', 'deep', 'plain'])
    expect(existsSync(join(tmpdir(), 'escaped'))).toBe(false)
  })

  test('that is cancelled leaves nothing under the final name, on either side', async () => {
    await open()
    writeFileSync(here('up'), big)
    writeFileSync(onDevice('down'), big)
    const cancelSoon = async (direction: 'put' | 'get', from: string, to: string) => {
      const { transferIds } = await transfers.start({ requestId, direction, from: [from], to, replace: false })
      const [id = ''] = transferIds
      while (!told.some((one) => one.id === id && one.bytes > 0) && !['done'].includes(transfers.list().find((one) => one.id === id)?.state ?? '')) {
        await new Promise((resolve) => setImmediate(resolve))
        if ((transfers.list().find((one) => one.id === id)?.state ?? '') === 'running') break
      }
      transfers.cancel(id)
      return transfers.finished(id)
    }
    expect(await cancelSoon('put', here('up'), '/')).toMatchObject({ state: 'cancelled', failure: null, verified: false })
    expect(await cancelSoon('get', '/down', local)).toMatchObject({ state: 'cancelled', failure: null, verified: false })
    expect([readdirSync(device.root), readdirSync(local)]).toEqual([['down'], ['up']])
  })

  test('that arrives changed is not put in place', async () => {
    await open({}, (honest) => ({
      ...honest,
      call: (name, input, options) => honest.call(name, name === 'files.received' ? { ...input, tag: newNonce().slice(0, 22) } : input, options),
    }))
    writeFileSync(onDevice('x'), 'x')
    expect((await move('get', ['/x'], local))[0]).toMatchObject({ state: 'failed', verified: false, failure: { code: 'file.digest-differs' } })
    expect(readdirSync(local)).toEqual([])
  })

  test('goes on from where it was when the files leg breaks', async () => {
    await open({}, (whole) => ({
      ...whole,
      async read(input, options) {
        const answer = await whole.read(input, options)
        // The line is cut under the first answer, in the middle of its body.
        if (device.legs.length === 1) setTimeout(() => device.legs[0]?.destroy(), 1)
        return answer
      },
    }))
    const huge = Buffer.concat([big, big, big, big])
    writeFileSync(onDevice('x'), huge)
    const [done] = await move('get', ['/x'], local)
    expect(done).toMatchObject({ state: 'done', verified: true, bytes: huge.length })
    expect(device.legs.length).toBe(2)
    expect(readFileSync(here('x')).equals(huge)).toBe(true)
  })

  test('that fails ends nothing else: the other files of its folder arrive', async () => {
    await open({ maxFileBytes: 10 })
    mkdirSync(here('mixed'))
    writeFileSync(here('mixed/large'), 'x'.repeat(1_000))
    writeFileSync(here('mixed/small'), 'x')
    const [done] = await move('put', [here('mixed')], '/')
    expect(done).toMatchObject({ state: 'failed', filesDone: 1, failure: { code: 'file.too-large', details: { failed: 1, files: 2 } } })
    expect(readdirSync(onDevice('mixed'))).toEqual(['small'])
    expect((await move('get', ['/mixed/small'], local))[0]).toMatchObject({ state: 'done' })
  })

  test('runs beside two others at most, and the rest wait', async () => {
    await open()
    const names = ['1', '2', '3', '4', '5']
    for (const name of names) writeFileSync(here(name), big)
    const done = await move(
      'put',
      names.map((name) => here(name)),
      '/',
    )
    expect(done.map(({ state }) => state)).toEqual(names.map(() => 'done'))
    const running = new Set<string>()
    let most = 0
    for (const { id, state } of told) {
      if (state === 'running' || state === 'verifying') running.add(id)
      else running.delete(id)
      most = Math.max(most, running.size)
    }
    expect(most).toBe(3)
  })

  test('and all others are no faster than the limit, both ways, and arrive whole', async () => {
    let nowMs = 0
    const lengths: (number | undefined)[] = []
    const pace = createPace({
      bytesPerSecond: () => 2_000_000,
      now: () => nowMs,
      async wait(ms) {
        const until = nowMs + ms
        await new Promise((resolve) => setImmediate(resolve))
        nowMs = Math.max(nowMs, until)
      },
    })
    const seeLength = (honest: Files): Files => ({
      ...honest,
      read(input, receive, options) {
        lengths.push(input.length)
        return honest.read(input, receive, options)
      },
    })
    await open({}, seeLength, pace)
    const octets = big.subarray(0, 1_500_000)
    for (const name of ['a', 'b']) writeFileSync(here(name), octets)
    for (const name of ['c', 'd']) writeFileSync(onDevice(name), octets)
    const done = await Promise.all([move('put', [here('a'), here('b')], '/'), move('get', ['/c', '/d'], local)])
    expect(done.flat().map(({ state, verified }) => [state, verified])).toEqual(Array.from({ length: 4 }, () => ['done', true]))
    for (const path of [onDevice('a'), onDevice('b'), here('c'), here('d')]) expect(readFileSync(path).equals(octets)).toBe(true)
    // Four files of 1.5 MB at 2 MB a second, less what may go before anybody waits. Each by itself would take a fourth of that.
    expect(nowMs).toBeGreaterThanOrEqual(2_400)
    expect(lengths.length).toBeGreaterThanOrEqual(12)
    expect(new Set(lengths)).toEqual(new Set([250_000]))
  })

  test.each(['put', 'get'] as const)('that is paused (%s) moves nothing, gives its turn to the next, and goes on from where it was', async (direction) => {
    let free = 1_000_000
    let onTaken: () => void = () => undefined
    const taken = new Promise<void>((resolve) => (onTaken = resolve))
    let let2: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (let2 = resolve))
    const pace: Pace = {
      pieceBytes: () => 100_000,
      async take(bytes) {
        free -= bytes
        if (free > 0) return
        onTaken()
        await opened
      },
    }
    await open({}, undefined, pace)
    const [from, to] = direction === 'put' ? [here('large'), '/'] : ['/large', local]
    writeFileSync(direction === 'put' ? from : onDevice('large'), big)
    const { transferIds } = await transfers.start({ requestId, direction, from: [from], to, replace: false })
    const [id = ''] = transferIds
    await taken
    transfers.pause(id)
    let2()
    const now = () => transfers.list().find((one) => one.id === id)
    expect(now()).toMatchObject({ state: 'paused', bytesPerSecond: 0 })
    const names = ['1', '2', '3']
    for (const name of names) writeFileSync(here(name), 'small')
    const others = await move(
      'put',
      names.map((name) => here(name)),
      '/',
    )
    expect(others.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    const { bytes = 0 } = now() ?? {}
    expect(now()?.state).toBe('paused')
    expect(bytes).toBeLessThan(big.length)
    transfers.resume(id)
    expect(await transfers.finished(id)).toMatchObject({ state: 'done', verified: true, bytes: big.length })
  })

  test('that is paused before its turn keeps its place, and one that is paused can be cancelled', async () => {
    await open()
    writeFileSync(here('a'), 'a')
    const { transferIds } = await transfers.start({ requestId, direction: 'put', from: [here('a'), here('a'), here('a'), here('a')], to: '/', replace: true })
    const last = transferIds.at(-1) ?? ''
    transfers.pause(last)
    await Promise.all(transferIds.slice(0, -1).map((id) => transfers.finished(id)))
    expect(transfers.list().find(({ id }) => id === last)).toMatchObject({ state: 'paused', bytes: 0 })
    transfers.cancel(last)
    expect(await transfers.finished(last)).toMatchObject({ state: 'cancelled' })
  })

  test('ends with its session, with the cause', async () => {
    await open()
    writeFileSync(here('up'), big)
    const finished = move('put', [here('up')], '/')
    ended.resolve({ cause: 'person', failure: null })
    expect((await finished)[0]).toMatchObject({ state: 'failed', failure: { code: 'session.ended', details: { cause: 'person' } } })
  })

  test('onto a full disk fails alone, and leaves nothing half-written', async ({ skip }) => {
    await open()
    mkdirSync(here('small'))
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', here('small')]).status === 0
    if (!mounted) skip('no small file system can be mounted here')
    try {
      writeFileSync(onDevice('large'), big)
      writeFileSync(onDevice('little'), 'x')
      expect((await move('get', ['/large'], here('small')))[0]).toMatchObject({ state: 'failed', failure: { code: 'file.disk-full' } })
      expect(readdirSync(here('small'))).toEqual([])
      expect((await move('get', ['/little'], here('small')))[0]).toMatchObject({ state: 'done' })
    } finally {
      spawnSync('umount', ['-l', here('small')])
    }
  })

  test('of what is not there says so', async () => {
    await open()
    expect((await move('get', ['/none'], local))[0]).toMatchObject({ failure: { code: 'file.not-found' } })
    expect((await move('put', [here('none')], '/'))[0]).toMatchObject({ failure: { code: 'file.not-found' } })
    expect((await move('put', [local], '/nowhere'))[0]).toMatchObject({ failure: { code: 'file.not-found' } })
  })
})

describe('the files leg', () => {
  test('is refused to a client with another certificate than it announced', async () => {
    await open()
    device.lie.accepts = newNonce()
    await expect(files.call('files.list', { path: '/' })).rejects.toMatchObject({ code: 'leg.refused' })
  })

  test('is refused by the client when the agent shows another certificate than it announced', async () => {
    await open()
    device.lie.announces = newNonce()
    await expect(files.call('files.list', { path: '/' })).rejects.toMatchObject({ code: 'leg.refused' })
  })
})
