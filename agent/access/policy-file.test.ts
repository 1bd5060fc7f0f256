import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defaultPolicy } from './policy.ts'
import { followPolicy, type LoadedPolicy, loadPolicy } from './policy-file.ts'

let folder: string
let path: string
const stop = new AbortController()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-'))
  path = join(folder, 'policy.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const write = (policy: unknown) => writeFileSync(path, typeof policy === 'string' ? policy : JSON.stringify(policy))

describe('the policy file', () => {
  test('that is missing means the strict defaults', () => {
    expect(loadPolicy(path, folder)).toEqual({ policy: defaultPolicy, from: 'defaults', digest: 'defaults' })
  })

  test.each([['{'], ['{"version":2}'], ['{"version":1,"rules":{"os":"allow"}}'], ['{"version":1,"requestPerHour":9}'], ['']])(
    'that cannot be read as a policy (%s) closes every level',
    (text) => {
      write(text)
      const { policy, from } = loadPolicy(path, folder)
      expect(from).toBe('unreadable')
      expect(new Set(Object.values(policy.rules))).toEqual(new Set(['deny']))
    },
  )

  test('that is a pipe, at which a reader would wait for ever, is unreadable (goal D27)', () => {
    execFileSync('mkfifo', [path])
    expect(loadPolicy(path, folder).from).toBe('unreadable')
  })

  test('that becomes unreadable keeps the off switch where it was, and off is the answer where nobody ever read one (R008)', () => {
    write('{')
    expect(loadPolicy(path, folder).policy.connectivity).toBe('off')
    write({ version: 1, connectivity: 'on' })
    loadPolicy(path, folder)
    write('{')
    expect(loadPolicy(path, folder).policy.connectivity).toBe('on')
    write({ version: 1, connectivity: 'off' })
    loadPolicy(path, folder)
    mkdirSync(join(folder, 'elsewhere'))
    write('')
    expect(loadPolicy(path, folder).policy.connectivity).toBe('off')
  })

  test('is read again when it changes, also when another file is put in its place', async () => {
    write({ version: 1, requestsPerHour: 1 })
    const { promise, resolve } = Promise.withResolvers<LoadedPolicy>()
    const first = followPolicy({ path, stateDir: folder, signal: stop.signal, onChange: resolve, lookEveryMs: 5 })
    expect(first.policy.requestsPerHour).toBe(1)
    writeFileSync(`${path}.new`, JSON.stringify({ version: 1, requestsPerHour: 2 }))
    renameSync(`${path}.new`, path)
    expect((await promise).policy.requestsPerHour).toBe(2)
    stop.abort()
  })
})
