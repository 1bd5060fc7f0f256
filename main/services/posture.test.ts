import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Posture } from '../../shared/posture.ts'
import { readPosture } from './posture.ts'

/** R088: what a workstation can tell of itself, and that nothing which cannot be told passes for encrypted. */
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'posture-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const mounts = (...all: [at: string, source: string][]) =>
  put('proc/self/mountinfo', all.map(([at, source], id) => `${id} 1 8:${id} / ${at} rw,relatime shared:1 - ext4 ${source} rw\n`).join(''))
/** A block device as the kernel shows it, with the devices that it lies on. */
function disk(name: string, { uuid, on = [] }: { uuid?: string; on?: string[] } = {}): void {
  put(`dev/${name}`, '')
  put(`sys/class/block/${name}/size`, '1')
  if (uuid) put(`sys/class/block/${name}/dm/uuid`, `${uuid}\n`)
  for (const below of on) put(`sys/class/block/${name}/slaves/${below}/size`, '1')
}
const onLinux = async () => (await readPosture({ version: '0.1.0', platform: 'linux', home: '/home/elena', root })).diskEncryption

describe('on Linux', () => {
  test('a home on LUKS is, also by its mapped name and below LVM', async () => {
    disk('sda2')
    disk('dm-0', { uuid: 'CRYPT-LUKS2-abc-root', on: ['sda2'] })
    disk('dm-1', { uuid: 'LVM-def', on: ['dm-0'] })
    mkdirSync(join(root, 'dev/mapper'), { recursive: true })
    symlinkSync('../dm-1', join(root, 'dev/mapper/vg-root'))
    mounts(['/', '/dev/mapper/vg-root'])
    expect(await onLinux()).toBe('on')
  })

  test('a home on a plain disk is not, nor on a volume of which one disk is plain, nor beside a root that is', async () => {
    disk('sda1')
    disk('dm-0', { uuid: 'CRYPT-LUKS2-abc', on: ['sda1'] })
    disk('dm-1', { uuid: 'LVM-def', on: ['dm-0', 'sda1'] })
    mounts(['/', '/dev/sda1'])
    expect(await onLinux()).toBe('off')
    mounts(['/', '/dev/dm-1'])
    expect(await onLinux()).toBe('off')
    mounts(['/', '/dev/dm-0'], ['/home', '/dev/sda1'])
    expect(await onLinux()).toBe('off')
    mounts(['/', '/dev/dm-0'], ['/homes', '/dev/sda1'], ['/home/elena2', '/dev/sda1'])
    expect(await onLinux()).toBe('on')
    // What was mounted last at one place lies on top.
    mounts(['/', '/dev/sda1'], ['/home', '/dev/dm-0'], ['/home', '/dev/sda1'])
    expect(await onLinux()).toBe('off')
  })

  test('what is no disk, what is not there, and what is not to be read cannot be told', async () => {
    expect(await onLinux()).toBe('unknown')
    for (const source of ['overlay', 'server:/export', '/dev/nothing', '/dev/../etc/passwd', 'CRYPT-']) {
      mounts(['/', source])
      expect(await onLinux(), source).toBe('unknown')
    }
    put('proc/self/mountinfo', 'nonsense\n - \n')
    expect(await onLinux()).toBe('unknown')
  })
})

test.each([
  ['FileVault is On.\n', 'on'],
  ['FileVault is Off.\n', 'off'],
  ['FileVault is On.\nDecryption in progress: Percent completed = 40\n', 'off'],
  ['FileVault is Off.\nDeferred enablement appears to be active.\n', 'off'],
  ['Error: Unable to determine', 'unknown'],
] as const)('on macOS %j means %s', async (said, diskEncryption) => {
  const run = (program: string) => (program === '/usr/bin/fdesetup' ? Promise.resolve(said) : Promise.reject(new Error(program)))
  expect(await readPosture({ version: '0.1.0', platform: 'darwin', run })).toEqual({ version: '0.1.0', os: 'macos', diskEncryption })
})

test.each([
  ['1\r\n', 'on'],
  ['6\r\n', 'on'],
  ['2\r\n', 'off'],
  ['3\r\n', 'off'],
  ['5\r\n', 'off'],
  ['\r\n', 'unknown'],
  ['1 1', 'unknown'],
] as const)('on Windows BitLocker’s %j means %s, of the drive that holds the home', async (said, diskEncryption) => {
  const run = (_: string, args: string[]) => (args.at(-1)?.includes("NameSpace('D:')") ? Promise.resolve(said) : Promise.reject(new Error('drive')))
  expect(await readPosture({ version: '0.1.0', platform: 'win32', home: 'D:\\Users\\elena', run })).toEqual({
    ...{ version: '0.1.0', os: 'windows', diskEncryption },
  })
})

test('a program that is not there, and a home without a drive, cannot be told; what is said fits the contract', async () => {
  const run = () => Promise.reject(new Error('ENOENT'))
  for (const platform of ['win32', 'darwin', 'freebsd'] as const) {
    for (const home of ['C:\\Users\\elena', '\\\\server\\home', "'); evil"]) {
      expect(Posture.parse(await readPosture({ version: '0.1.0', platform, home, run })).diskEncryption).toBe('unknown')
    }
  }
  expect(Posture.parse(await readPosture({ version: '0.1.0' })).version).toBe('0.1.0')
})
