import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { lockFolder, makeFolder, makeFolders, makeRuntimeFolder, othersCanEnter, outsideFolder, pathsOf, resetFolder } from './state-folder.ts'

const base = mkdtempSync(join(tmpdir(), 'gantry-state-'))
afterAll(() => rmSync(base, { recursive: true, force: true }))
const mode = (path: string) => statSync(path).mode & 0o7777

describe('the state folder', () => {
  test('is in use while one sandbox has it, and free after it', () => {
    const paths = pathsOf(join(base, 'locked'))
    const unlock = lockFolder(paths)
    expect(() => lockFolder(paths)).toThrow(expect.objectContaining({ code: 'state.in-use' }))
    unlock()
    lockFolder(paths)()
  })

  test('is free again when the sandbox that had it was killed', async () => {
    const paths = pathsOf(join(base, 'killed'))
    // Held by name: a lock that nobody refers to is given back with the next garbage.
    const source = `import { lockFolder, pathsOf } from ${JSON.stringify(join(import.meta.dirname, 'state-folder.ts'))}; globalThis.held = lockFolder(pathsOf(process.argv[1])); console.log('held'); setInterval(() => undefined, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', source, paths.dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void holder.kill('SIGKILL'))
    const exited = new Promise((resolve) => holder.once('exit', resolve))
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    expect(() => lockFolder(paths)).toThrow(expect.objectContaining({ code: 'state.in-use' }))
    holder.kill('SIGKILL')
    await exited
    lockFolder(paths)()
  })

  test('holds secrets where nobody else looks, and lets others pass to what the device’s user owns', () => {
    const paths = pathsOf(join(base, 'modes'))
    makeFolders(paths, [1])
    for (const folder of [paths.own, paths.configs, paths.authority, paths.mainServer, paths.accessServer(1), paths.client, join(paths.device(1), 'agent')]) {
      expect(mode(folder)).toBe(0o700)
    }
    for (const folder of [paths.dir, join(paths.dir, 'devices'), paths.device(1)]) expect(mode(folder)).toBe(0o711)
  })

  test('--reset deletes what a sandbox made and nothing else', () => {
    const paths = pathsOf(join(base, 'reset'))
    makeFolders(paths, [1])
    writeFileSync(join(paths.dir, 'my-thesis.txt'), 'years of work')
    resetFolder(paths, join(base, 'outside'))
    expect(existsSync(paths.mainServer)).toBe(false)
    expect(existsSync(join(paths.dir, 'my-thesis.txt'))).toBe(true)
  })

  test('a folder that lets nobody pass is noticed, however far above it lies', () => {
    mkdirSync(join(base, 'closed/inner/deep'), { recursive: true })
    makeFolder(base, 0o711)
    makeFolder(join(base, 'closed'), 0o700)
    expect(othersCanEnter(join(base, 'closed/inner/deep'))).toBe(false)
    makeFolder(join(base, 'closed'), 0o711)
    expect(othersCanEnter(join(base, 'closed/inner/deep'))).toBe(othersCanEnter(tmpdir()))
  })

  test('sockets lie on a short path, whatever the state folder is called', () => {
    const folder = makeRuntimeFolder()
    expect(Buffer.byteLength(join(folder, 'panel-4', 'panel'))).toBeLessThan(100)
    expect(mode(folder)).toBe(0o700)
    rmSync(folder, { recursive: true })
  })

  test('two state folders never share a place outside', () => {
    expect(outsideFolder(pathsOf('/a/one'))).not.toBe(outsideFolder(pathsOf('/a/two')))
  })
})
