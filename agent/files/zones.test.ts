import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DeviceFiles, type FileEvent, openDeviceFiles } from './device-files.ts'
import { createZones, type ZoneRules, type Zones } from './zones.ts'

/** R086, R047: what is shut stays shut, whichever way somebody comes. */
let folder: string
let root: string
let events: FileEvent[]
let zones: Zones
let opened: DeviceFiles[]
const rules = { toDevice: true, fromDevice: true, maxFileBytes: 1_000 }
const at = (path: string) => join(root, path)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zones-'))
  root = join(folder, 'root')
  events = []
  opened = []
  for (const path of ['data/patients/ward', 'logs', 'config']) mkdirSync(at(path), { recursive: true })
  for (const path of ['data/patients/ward/anna.txt', 'data/patients/list.txt', 'data/run.txt', 'logs/a.txt', 'config/device.ini']) writeFileSync(at(path), path)
})
afterEach(async () => {
  for (const files of opened) await files.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(of: ZoneRules): Promise<DeviceFiles> {
  zones = createZones(of)
  const files = await openDeviceFiles({ root, account: null, rules, zones, record: (event) => events.push(event) })
  opened.push(files)
  return files
}
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'open',
    (error) => error.code,
  )
const read = (files: DeviceFiles, path: string) =>
  code(
    files.open(path, { read: true, write: false }).then(async (file) => {
      await file.read(100, 0)
      await file.close('done')
    }),
  )
const list = async (files: DeviceFiles, path: string) => {
  const names: string[] = []
  for await (const { name } of files.list(path)) names.push(name)
  return names.sort()
}
/** Everything that a door can ask of a path. */
const doors: [string, (files: DeviceFiles, path: string) => Promise<unknown>][] = [
  ['stat', (files, path) => files.stat(path, 'follow')],
  ['lstat', (files, path) => files.stat(path, 'keep')],
  ['list', (files, path) => list(files, path)],
  ['space', (files, path) => files.space(path)],
  ['read', (files, path) => files.open(path, { read: true, write: false })],
  ['write', (files, path) => files.open(path, { read: false, write: true, create: true })],
  ['digest', (files, path) => files.digest(path)],
  ['received', (files, path) => files.received(path, 'v')],
  ['rename away', (files, path) => files.rename(path, '/logs/x', { replace: true })],
  ['rename onto', (files, path) => files.rename('/logs/a.txt', path, { replace: true })],
  ['commit', (files, path) => files.commit({ from: '/logs/a.txt', to: path, version: 'v', replace: true })],
  ['remove', (files, path) => files.remove(path, 'any')],
  ['make a folder', (files, path) => files.makeFolder(`${path}/new`)],
  ['set attributes', (files, path) => files.setAttributes(path, { mode: 0o777 })],
  ['read a link', (files, path) => files.readLink(path)],
]

describe('a restricted place', () => {
  const restricted = ['/data/patients']

  test.each(doors)('cannot be reached: %s', async (_, act) => {
    const files = await open({ restricted })
    for (const path of ['/data/patients', '/data/patients/list.txt', '/data/patients/ward/anna.txt', '/data/patients/none', '/data/./patients//ward']) {
      expect(await code(act(files, path)), path).toBe('file.restricted')
    }
    expect(events.every((event) => event.kind === 'refused' && event.code === 'file.restricted')).toBe(true)
    expect(events).toHaveLength(5)
  })

  test('is not told of in a listing, and all beside it is as before', async () => {
    const files = await open({ restricted })
    expect(await list(files, '/data')).toEqual(['run.txt'])
    expect(await read(files, '/data/run.txt')).toBe('open')
    expect(await list(files, '/')).toEqual(['config', 'data', 'logs'])
  })

  test('is shut behind links, relative, absolute and in a chain, and as a second name of a file', async () => {
    symlinkSync('../data/patients', at('logs/relative'))
    symlinkSync(at('data/patients'), at('logs/absolute'))
    symlinkSync('relative', at('logs/chain'))
    symlinkSync('../data/patients/ward/anna.txt', at('logs/anna.txt'))
    linkSync(at('data/patients/list.txt'), at('logs/second.txt'))
    const files = await open({ restricted })
    for (const path of ['/logs/relative/list.txt', '/logs/absolute/list.txt', '/logs/chain/ward/anna.txt', '/logs/anna.txt', '/logs/second.txt'])
      for (const [door, act] of doors.slice(0, 9).filter(([name]) => name !== 'lstat' && name !== 'rename away'))
        expect(await code(act(files, path)), `${door} ${path}`).toBe('file.restricted')
    expect(await list(files, '/logs')).not.toContain('second.txt')
    // A file that was linked after the session began.
    linkSync(at('data/patients/ward/anna.txt'), at('config/late.txt'))
    expect(await read(files, '/config/late.txt')).toBe('file.restricted')
  })

  test('is shut also under a new name of its own or of a folder above, and cannot be given one', async () => {
    const files = await open({ restricted })
    for (const path of ['/data', '/data/patients']) {
      expect(await code(files.rename(path, '/elsewhere', { replace: false }))).toBe('file.restricted')
      expect(await code(files.remove(path, 'any'))).toBe('file.restricted')
    }
    renameSync(at('data/patients'), at('logs/moved'))
    expect(await read(files, '/logs/moved/list.txt')).toBe('file.restricted')
    expect(await list(files, '/logs')).toEqual(['a.txt'])
    renameSync(at('data'), at('other'))
    renameSync(at('logs/moved'), at('other/patients'))
    expect(await code(list(files, '/other/patients'))).toBe('file.restricted')
    // And what comes in the place of it, by its name.
    mkdirSync(at('data/patients'), { recursive: true })
    writeFileSync(at('data/patients/new.txt'), 'new')
    expect(await read(files, '/data/patients/new.txt')).toBe('file.restricted')
  })

  test('is a link itself: then what it leads to is shut as well', async () => {
    symlinkSync('data/patients', at('records'))
    const files = await open({ restricted: ['/records'] })
    for (const path of ['/records/list.txt', '/data/patients/list.txt']) expect(await read(files, path)).toBe('file.restricted')
  })

  test('may be one file', async () => {
    const files = await open({ restricted: ['/data/run.txt'] })
    expect(await read(files, '/data/run.txt')).toBe('file.restricted')
    expect(await list(files, '/data')).toEqual(['patients'])
  })

  test('opens with the yes, in this session alone; what leaves is marked, and nothing of it can be put elsewhere', async () => {
    const files = await open({ restricted })
    zones.lift()
    expect(await list(files, '/data')).toEqual(['patients', 'run.txt'])
    expect(await read(files, '/data/patients/list.txt')).toBe('open')
    const file = await files.open('/data/patients/list.txt', { read: true, write: false })
    await file.read(100, 0)
    await files.moved('received', '/data/patients/list.txt', (await file.close('done')).read)
    const plain = await files.open('/data/run.txt', { read: true, write: false })
    await plain.read(100, 0)
    await files.moved('received', '/data/run.txt', (await plain.close('done')).read)
    expect(events).toEqual([
      expect.objectContaining({ kind: 'received', path: '/data/patients/list.txt', restricted: true }),
      expect.not.objectContaining({ restricted: true }),
    ])
    expect(await code(files.rename('/data/patients/list.txt', '/logs/list.txt', { replace: true }))).toBe('file.restricted')
    expect(await code(files.rename('/logs/a.txt', '/data/patients/a.txt', { replace: true }))).toBe('file.restricted')
    expect(await code(files.rename('/data/patients', '/logs/p', { replace: true }))).toBe('file.restricted')
    expect(await code(files.rename('/data/patients/list.txt', '/data/patients/ward/list.txt', { replace: true }))).toBe('open')
    const next = await open({ restricted })
    expect(await read(next, '/data/patients/ward/list.txt')).toBe('file.restricted')
  })
})

describe('where the policy names folders', () => {
  test('nothing else can be reached, by any way, and on the way there only what leads there is told', async () => {
    symlinkSync('../../config/device.ini', at('data/patients/link.ini'))
    const files = await open({ paths: ['/data/patients', '/logs'] })
    expect(await list(files, '/')).toEqual(['data', 'logs'])
    expect(await list(files, '/data')).toEqual(['patients'])
    expect(await read(files, '/data/patients/ward/anna.txt')).toBe('open')
    for (const path of ['/config/device.ini', '/data/run.txt', '/data/patients/link.ini']) expect(await read(files, path)).toBe('file.path-closed')
    for (const [door, act] of doors.filter(([name]) => name !== 'list')) expect(await code(act(files, '/config/device.ini')), door).not.toBe('open')
    expect(await code(list(files, '/config'))).toBe('file.path-closed')
    expect(await code(files.rename('/logs/a.txt', '/config/a.txt', { replace: true }))).toBe('file.path-closed')
    expect(await code(files.makeFolder('/data/new'))).toBe('file.path-closed')
  })
})
