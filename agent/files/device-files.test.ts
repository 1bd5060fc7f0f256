import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { versionOf } from './descriptors.ts'
import { type DeviceFiles, type FileEvent, type FileRules, openDeviceFiles } from './device-files.ts'

const isRoot = process.getuid?.() === 0
const account = isRoot ? { uid: 65_534, gid: 65_534 } : null
const open: FileRules = { toDevice: true, fromDevice: true, maxFileBytes: 10_000_000 }
const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('base64url')

describe('the device’s files', () => {
  let folder: string
  let root: string
  let files: DeviceFiles
  let events: FileEvent[]
  const made: DeviceFiles[] = []
  const at = (path: string) => join(root, path)
  const own = (path: string) => isRoot && chownSync(path, 65_534, 65_534)
  const make = async (rules: Partial<FileRules> = {}, where = root) => {
    const one = await openDeviceFiles({ root: where, account, rules: { ...open, ...rules }, record: (event) => void events.push(event) })
    made.push(one)
    return one
  }
  const put = async (path: string, octets: Buffer | string, on = files) => {
    const file = await on.open(path, { read: false, write: true, create: true })
    try {
      await file.write(Buffer.from(octets), 0)
    } finally {
      await file.close('done')
    }
  }
  const get = async (path: string, on = files) => {
    const file = await on.open(path, { read: true, write: false })
    try {
      return await file.read(1_000_000, 0)
    } finally {
      await file.close('done')
    }
  }
  const names = async (path = '/') => {
    const all = []
    for await (const { name } of files.list(path)) all.push(name)
    return all.sort()
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-files-'))
    chmodSync(folder, 0o711)
    root = join(folder, 'root')
    mkdirSync(root)
    own(root)
    writeFileSync(join(folder, 'secret'), 'not for you', { mode: 0o644 })
    events = []
    files = await make()
  })
  afterEach(async () => {
    for (const one of made.splice(0)) await one.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('are written, read, listed, renamed and removed; they belong to the device’s user', async () => {
    await files.makeFolder('/logs')
    await put('/logs/a.txt', 'abc')
    expect((await get('/logs/a.txt')).toString()).toBe('abc')
    await files.rename('/logs/a.txt', '/b.txt', { replace: false })
    expect(await names()).toEqual(['b.txt', 'logs'])
    if (isRoot) for (const path of ['b.txt', 'logs']) expect(statSync(at(path)).uid).toBe(65_534)
    expect(statSync(at('b.txt')).mode & 0o777).toBe(0o644)
    await files.remove('/logs', 'any')
    await files.remove('/b.txt', 'any')
    expect(await names()).toEqual([])
    expect(events.map(({ kind }) => kind)).toEqual(['folder-made', 'renamed', 'deleted', 'deleted'])
  })

  test.each([
    ['/../secret', 'file.outside-root'],
    ['/a/../../secret', 'file.outside-root'],
    ['/..', 'file.outside-root'],
    ['/a\u0000b', 'file.name-not-allowed'],
    ['/a\nb', 'file.name-not-allowed'],
    ['/a\u001b[2Jb', 'file.name-not-allowed'],
    ['/a\u007f', 'file.name-not-allowed'],
    ['/a\u0085', 'file.name-not-allowed'],
    ['/txt.\u202eexe', 'file.name-not-allowed'],
    ['/a\u2066b', 'file.name-not-allowed'],
    ['/a\u200bb', 'file.name-not-allowed'],
    ['/a\u061cb', 'file.name-not-allowed'],
    ['/a\u2028b', 'file.name-not-allowed'],
    ['/\ufeffa', 'file.name-not-allowed'],
    ['/a\ud800', 'file.name-not-allowed'],
    [`/${'x'.repeat(256)}`, 'file.name-not-allowed'],
  ])('the name %j is refused as %s when something new would get it, and that is recorded', async (path, code) => {
    await expect(put(path, 'x')).rejects.toMatchObject({ code })
    await expect(files.makeFolder(path)).rejects.toMatchObject({ code })
    await put('/plain', 'x')
    await expect(files.rename('/plain', path, { replace: true })).rejects.toMatchObject({ code })
    expect(events.filter((event) => event.kind === 'refused').map((event) => event.kind === 'refused' && event.code)).toEqual([code, code, code])
    expect(existsSync(at('plain'))).toBe(true)
  })

  test.each(['/Üntersuchung 漢字 🙂.txt', '/- leading dash', '/a\\b', '/.hidden', '/%2e%2e', '/...', `/${'x'.repeat(255)}`])(
    'the name %j is an ordinary one',
    async (path) => {
      await put(path, 'x')
      expect(await names()).toEqual([path.slice(1)])
      await files.remove(path, 'file')
    },
  )

  test('dangerous names that are there already are listed as harmless text', async () => {
    for (const name of ['a\nb', 'x\u202ey', 'c\u001b[31m']) writeFileSync(at(name), '')
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), '')
    expect(await names()).toEqual(['a\ufffdb', 'c\ufffd[31m', 'x\ufffdy', '\ufffd\ufffd'])
  })

  test('a link out of the root leads nowhere, whatever is asked', async () => {
    symlinkSync('/etc', at('etc'))
    symlinkSync('../secret', at('up'))
    symlinkSync(folder, at('absolute'))
    symlinkSync(`${root}x/../secret`, at('prefix'))
    symlinkSync('etc/passwd', at('twice'))
    const outside = { code: 'file.outside-root' }
    for (const path of ['/etc/passwd', '/up', '/absolute/secret', '/prefix', '/twice']) {
      await expect(get(path)).rejects.toMatchObject(outside)
      await expect(put(path, 'x')).rejects.toMatchObject(outside)
      await expect(files.stat(path, 'follow')).rejects.toMatchObject(outside)
      await expect(files.setAttributes(path, { mode: 0o777 })).rejects.toMatchObject(outside)
    }
    for await (const path of ['/etc', '/absolute']) await expect(files.list(path).next()).rejects.toMatchObject(outside)
    await expect(files.makeFolder('/etc/x')).rejects.toMatchObject(outside)
    await expect(files.rename('/up', '/absolute/taken', { replace: true })).rejects.toMatchObject(outside)
    expect(readFileSync(join(folder, 'secret'), 'utf8')).toBe('not for you')
    // The links themselves can be looked at, renamed and removed.
    expect((await files.stat('/up', 'keep')).isSymbolicLink()).toBe(true)
    await files.remove('/up', 'any')
    expect(existsSync(join(folder, 'secret'))).toBe(true)
  })

  test('a link inside the root is followed, also when it is absolute or climbs; a circle ends', async () => {
    mkdirSync(at('deep'))
    mkdirSync(at('deep/er'))
    writeFileSync(at('target'), 'here')
    for (const path of ['deep', 'deep/er', 'target']) own(at(path))
    symlinkSync('../../target', at('deep/er/up'))
    symlinkSync(at('target'), at('absolute'))
    symlinkSync('deep/er/', at('folder'))
    symlinkSync('circle', at('circle'))
    for (const path of ['/deep/er/up', '/absolute', '/folder/up']) expect((await get(path)).toString()).toBe('here')
    await put('/folder/new', 'x')
    expect(existsSync(at('deep/er/new'))).toBe(true)
    await expect(get('/circle')).rejects.toMatchObject({ code: 'file.outside-root' })
  })

  test('a folder that is swapped for a link while it is walked lets nobody out', async () => {
    mkdirSync(at('inside'))
    writeFileSync(at('inside/secret'), 'inside')
    for (const path of ['inside', 'inside/secret']) own(at(path))
    symlinkSync(folder, at('outside'))
    let swapping = true
    const swap = (async () => {
      while (swapping) {
        renameSync(at('inside'), at('kept'))
        renameSync(at('outside'), at('inside'))
        renameSync(at('inside'), at('outside'))
        renameSync(at('kept'), at('inside'))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const seen = new Set<string>()
    for (let round = 0; round < 2_000; round += 1) {
      seen.add(
        await get('/inside/secret').then(
          (octets) => octets.toString(),
          (error: { code: string }) => error.code,
        ),
      )
      await put('/inside/written', 'x').catch(() => undefined)
    }
    swapping = false
    await swap
    expect(seen).toContain('inside')
    expect(seen).not.toContain('not for you')
    expect(existsSync(join(folder, 'written'))).toBe(false)
  })

  test('pipes, devices and folders are not opened as files', async () => {
    execFileSync('mkfifo', [at('pipe')])
    own(at('pipe'))
    mkdirSync(at('folder'))
    own(at('folder'))
    for (const path of ['/pipe', '/folder']) {
      await expect(get(path)).rejects.toMatchObject({ code: 'file.not-a-file' })
      await expect(put(path, 'x')).rejects.toMatchObject({ code: 'file.not-a-file' })
    }
    expect((await files.stat('/pipe', 'keep')).isFIFO()).toBe(true)
  })

  test.skipIf(!isRoot)('what the device’s user may not read stays closed, though the agent is root', async () => {
    writeFileSync(at('root-only'), 'secret', { mode: 0o600 })
    linkSync(at('root-only'), at('hard-link'))
    mkdirSync(at('closed'), { mode: 0o700 })
    writeFileSync(at('closed/inner'), 'secret', { mode: 0o666 })
    for (const path of ['/root-only', '/hard-link', '/closed/inner']) {
      await expect(get(path)).rejects.toMatchObject({ code: 'file.denied' })
      await expect(put(path, 'x')).rejects.toMatchObject({ code: 'file.denied' })
    }
    await expect(files.digest('/root-only')).rejects.toMatchObject({ code: 'file.denied' })
    await expect(files.list('/closed').next()).rejects.toMatchObject({ code: 'file.denied' })
    await expect(files.setAttributes('/root-only', { mode: 0o777 })).rejects.toMatchObject({ code: 'file.denied' })
    await expect(files.remove('/closed/inner', 'file')).rejects.toMatchObject({ code: 'file.denied' })
    expect(statSync(at('root-only')).mode & 0o777).toBe(0o600)
  })

  test('set-id bits are never set', async () => {
    const file = await files.open('/program', { read: false, write: true, create: true, mode: 0o6755 })
    await file.setMode(0o4755)
    await file.close('done')
    await files.setAttributes('/program', { mode: 0o6777 })
    expect(statSync(at('program')).mode & 0o7777).toBe(0o777)
  })

  test('the owner’s rules: directions and the largest file', async () => {
    await put('/there', Buffer.alloc(100))
    const [noIn, noOut, small] = [await make({ toDevice: false }), await make({ fromDevice: false }), await make({ maxFileBytes: 50 })]
    const closed = { code: 'file.direction-closed' }
    await expect(put('/x', 'x', noIn)).rejects.toMatchObject(closed)
    await expect(noIn.remove('/there', 'any')).rejects.toMatchObject(closed)
    await expect(noIn.rename('/there', '/x', { replace: false })).rejects.toMatchObject(closed)
    await expect(noIn.makeFolder('/x')).rejects.toMatchObject(closed)
    await expect(noIn.setAttributes('/there', { size: 0 })).rejects.toMatchObject(closed)
    const opened = await noIn.open('/there', { read: true, write: false })
    await expect(opened.setMode(0o600)).rejects.toMatchObject(closed)
    expect((await opened.close('done')).read.bytes).toBe(0)
    expect((await get('/there', noIn)).length).toBe(100)
    await expect(get('/there', noOut)).rejects.toMatchObject(closed)
    await expect(get('/there', small)).rejects.toMatchObject({ code: 'file.too-large', details: { maxBytes: 50 } })
    await expect(put('/big', Buffer.alloc(51), small)).rejects.toMatchObject({ code: 'file.too-large' })
    await put('/fits', Buffer.alloc(50), small)
    const both = await noOut.open('/there', { read: true, write: true })
    await expect(both.read(10, 0)).rejects.toMatchObject({ code: 'file.denied' })
    await both.close('done')
  })

  test('a digest is worked out on the way, or from the file when octets came out of order', async () => {
    const octets = randomBytes(700_000)
    const file = await files.open('/shuffled', { read: false, write: true, create: true })
    await file.write(octets.subarray(300_000), 300_000)
    await file.write(octets.subarray(0, 300_000), 0)
    const { written } = await file.close('done')
    expect([written?.whole, written?.bytes, await written?.sha256]).toEqual([true, 700_000, sha256(octets)])
    await put('/straight', octets)
    expect((await files.digest('/straight')).sha256).toBe(sha256(octets))
    writeFileSync(at('straight'), 'changed by somebody else')
    expect((await files.digest('/straight')).sha256).toBe(sha256(Buffer.from('changed by somebody else')))
  })

  test('a large file is told at once, and its digest when it is there, also after the session', async () => {
    const octets = randomBytes(40_000_000)
    const roomy = await make({ maxFileBytes: octets.length })
    const file = await roomy.open('/large', { read: false, write: true, create: true })
    await file.write(octets, 0)
    const { written } = await file.close('done')
    await roomy.moved('sent', '/large', written as NonNullable<typeof written>)
    expect(events.at(0)).toMatchObject({ kind: 'sent', path: '/large', bytes: octets.length, whole: true })
    await roomy.close()
    made.splice(made.indexOf(roomy), 1)
    const digest = sha256(octets)
    await expect.poll(() => events.find((event) => 'sha256' in event && event.sha256 === digest), { timeout: 20_000 }).toMatchObject({ path: '/large' })
  })

  test('commit: it must be the file that was written, then the name appears at once and whole; nothing is overwritten unasked', async () => {
    const octets = randomBytes(100_000)
    await put('/.a.gantry-part', octets)
    const version = versionOf(statSync(at('.a.gantry-part')))
    await expect(files.commit({ from: '/.a.gantry-part', to: '/a', version: `${version}0`, replace: false })).rejects.toMatchObject({
      code: 'file.digest-differs',
    })
    expect(existsSync(at('a'))).toBe(false)
    writeFileSync(at('a'), 'older')
    own(at('a'))
    await expect(files.commit({ from: '/.a.gantry-part', to: '/a', version, replace: false })).rejects.toMatchObject({ code: 'file.exists' })
    expect(readFileSync(at('a'), 'utf8')).toBe('older')
    expect(await files.commit({ from: '/.a.gantry-part', to: '/a', version, replace: true, modifiedMs: 1_700_000_000_123 })).toEqual({ size: 100_000 })
    expect(Math.trunc(statSync(at('a')).mtimeMs)).toBe(1_700_000_000_123)
    expect(readFileSync(at('a')).equals(octets)).toBe(true)
    expect(events.at(-1)).toEqual({ kind: 'sent', path: '/a', bytes: 100_000, whole: true, sha256: sha256(octets) })
  })

  test('what cannot be recorded does not happen', async () => {
    await put('/kept', 'x')
    const mute = await openDeviceFiles({
      ...{ root, account, rules: open },
      record() {
        throw new Error('no audit')
      },
    })
    made.push(mute)
    await expect(mute.remove('/kept', 'any')).rejects.toThrow()
    await expect(mute.rename('/kept', '/moved', { replace: false })).rejects.toThrow()
    await expect(mute.makeFolder('/made')).rejects.toThrow()
    expect(await names()).toEqual(['kept'])
  })

  test('missing and existing things have their own codes', async () => {
    await put('/file', 'x')
    await files.makeFolder('/full')
    await put('/full/x', 'x')
    await expect(get('/none')).rejects.toMatchObject({ code: 'file.not-found' })
    await expect(get('/none/deeper')).rejects.toMatchObject({ code: 'file.not-found' })
    await expect(get('/file/deeper')).rejects.toMatchObject({ code: 'file.not-a-folder' })
    await expect(files.makeFolder('/full')).rejects.toMatchObject({ code: 'file.exists' })
    await expect(files.remove('/full', 'any')).rejects.toMatchObject({ code: 'file.not-empty' })
    await expect(files.rename('/file', '/full/x', { replace: false })).rejects.toMatchObject({ code: 'file.exists' })
    await expect(files.remove('/', 'any')).rejects.toMatchObject({ code: 'file.denied' })
    expect(events.filter(({ kind }) => kind === 'deleted' || kind === 'renamed')).toEqual([])
  })

  const canMount = isRoot && mountWorks()
  test.skipIf(!canMount)('a full disk is told as such, and what was there stays', async () => {
    const small = join(folder, 'small')
    mkdirSync(small)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,uid=65534,gid=65534', 'tmpfs', small])
    try {
      const there = await make({}, small)
      await put('/kept', 'kept', there)
      const file = await there.open('/.big.gantry-part', { read: false, write: true, create: true })
      const writes = async () => {
        for (let position = 0; position < 1_000_000; position += 65_536) await file.write(Buffer.alloc(65_536), position)
      }
      await expect(writes()).rejects.toMatchObject({ code: 'file.disk-full' })
      await file.close('cut')
      expect(events.at(-1)).toMatchObject({ kind: 'refused', operation: 'write', code: 'file.disk-full' })
      expect((await get('/kept', there)).toString()).toBe('kept')
    } finally {
      for (const one of made.splice(0)) await one.close()
      execFileSync('umount', ['-l', small])
    }
  })

  test('a part that is removed by somebody else while it is written harms nobody', async () => {
    const file = await files.open('/gone', { read: false, write: true, create: true })
    unlinkSync(at('gone'))
    await file.write(Buffer.from('x'), 0)
    await file.close('done')
    expect(await names()).toEqual([])
  })
})

function mountWorks(): boolean {
  try {
    const probe = mkdtempSync(join(tmpdir(), 'gantry-mount-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe], { stdio: 'ignore' })
    execFileSync('umount', [probe], { stdio: 'ignore' })
    rmSync(probe, { recursive: true })
    return true
  } catch {
    return false
  }
}
