import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentApi } from '@gantry/shared/agent-api.ts'
import { clientApi } from '@gantry/shared/client-api.ts'
import { describe, expect, test } from 'vitest'
import { citationsIn, requirementsIn } from './trace.ts'

const root = join(import.meta.dirname, '..')

describe('the printed API (R032)', () => {
  test('describes every request that clients and agents can make, with its schemas', () => {
    const api = JSON.parse(execFileSync(process.execPath, [join(root, 'scripts/openapi.ts')], { encoding: 'utf8', maxBuffer: 20_000_000 }))
    expect(api.openapi).toBe('3.1.0')
    const expected = [...Object.keys(clientApi).map((name) => `/api/v1/${name}`), ...Object.keys(agentApi).map((name) => `/agent/v1/${name}`)]
    expect(Object.keys(api.paths)).toEqual(expect.arrayContaining(expected))
    const poll = api.paths['/agent/v1/device.poll'].post
    expect(poll.requestBody.content['application/json'].schema.required).toContain('holdMs')
    expect(poll.security).toEqual([{ device: [] }])
    expect(api.paths['/agent/v1/device.enrol'].post.security).toEqual([])
  })
})

/** Written so that the trace of this very file does not list what is only an example. */
const cite = (number: number) => `R${number}`

describe('the trace from requirement to test', () => {
  test('a title is a citation, also of a whole row', () => {
    expect(citationsIn('a.test.ts', `test('${cite(901)}-${cite(903)}: polls', () => undefined)`).map(({ requirement }) => requirement)).toEqual([
      cite(901),
      cite(902),
      cite(903),
    ])
  })

  test('a comment belongs to the test below it', () => {
    expect(citationsIn('a.test.ts', `// ${cite(941)}: no listener\n  test('listens on nothing', () => {`)).toEqual([
      { requirement: cite(941), file: 'a.test.ts', title: 'listens on nothing' },
    ])
  })

  test('other words with an R are none', () => {
    expect(requirementsIn(`RFC 8785, R12, C${cite(941)}, ${cite(9410)}`)).toEqual([])
  })
})

describe('what the system must have', () => {
  test('what is missing is named with the command that installs it, and nothing else happens', () => {
    // Not root, and no program anywhere: an empty PATH and an id that may not install.
    const script = `
      Object.defineProperty(process, 'getuid', { value: () => 1000 })
      process.env.PATH = '/nowhere'
      process.argv[2] = 'test'
      await import(${JSON.stringify(join(root, 'scripts/prerequisites.mjs'))})
      console.log('went on')
    `
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { LANG: 'C' } })
    expect(status).toBe(1)
    expect(stderr).toContain('prerequisite.missing')
    expect(stderr).toContain('OpenSSH')
    expect(stdout).toBe('')
  })

  test('as root on Debian or Ubuntu what is missing is installed: one update, one install, nothing that is only recommended', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-apt-'))
    try {
      writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\necho "$@" >> ${folder}/asked\n`, { mode: 0o755 })
      const script = `
        import fs from 'node:fs'
        import { syncBuiltinESMExports } from 'node:module'
        const read = fs.readFileSync
        fs.readFileSync = (path, ...rest) => (path === '/etc/os-release' ? 'ID=ubuntu\\nID_LIKE=debian' : read(path, ...rest))
        syncBuiltinESMExports()
        Object.defineProperty(process, 'getuid', { value: () => 0 })
        process.argv[2] = 'test'
        await import(${JSON.stringify(join(root, 'scripts/prerequisites.mjs'))})
      `
      const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { LANG: 'C', PATH: folder } })
      // The stand-in installed nothing, so it stops all the same.
      expect(status).toBe(1)
      const [update, install, more] = readFileSync(join(folder, 'asked'), 'utf8').trimEnd().split('\n')
      expect(update).toBe('-q update')
      expect(install).toMatch(/^-q install -y --no-install-recommends chromium openssh-client rsync /)
      expect(more).toBeUndefined()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
