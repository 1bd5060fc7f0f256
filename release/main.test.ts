import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyJws } from '../shared/node/signing.ts'
import { UpdateManifest } from '../shared/update-manifest.ts'

/** The release officer's commands, as somebody types them (T15). */
const passphrase = 'an update passphrase'
let folder: string
const at = (...parts: string[]) => join(folder, ...parts)
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-command-'))
  mkdirSync(at('dist'))
  writeFileSync(at('dist', 'Gantry-0.2.0.AppImage'), 'the second')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(argv: string[], typed = passphrase) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...argv], {
    encoding: 'utf8',
    input: `${typed}\n`,
    env: {},
  })
  return { stdout, stderr, status }
}
const target = () => ['--key', at('key.json'), '--out', at('out'), '--channel', 'stable', '--platform', 'linux', '--arch', 'x64']

describe('the release officer’s commands', () => {
  test('make a key that its file alone does not give away, and sign with it what they have shown', async () => {
    const { updateKey } = JSON.parse(run(['key', '--key', at('key.json')]).stdout)
    expect(statSync(at('key.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(at('key.json'), 'utf8')).not.toContain('PRIVATE')
    const publish = ['publish', ...target(), '--from', at('dist'), '--release', '0.2.0', '--first', '--percentage', '10']
    const wrong = run(publish, 'another passphrase')
    expect([wrong.status, wrong.stderr]).toEqual([3, expect.stringMatching(/Release 0\.2\.0, for 10 %[\s\S]*update\.key-wrong/)])
    expect(existsSync(at('out'))).toBe(false)
    const done = run(publish)
    expect([done.status, JSON.parse(done.stdout)]).toEqual([0, expect.objectContaining({ release: '0.2.0', serial: 1, percentage: 10, halted: false })])
    const expected = { type: 'update', schema: UpdateManifest, key: updateKey, failure: 'update.manifest-bad' } as const
    const manifest = await verifyJws(readFileSync(at('out', 'stable-linux-x64.jws'), 'utf8'), expected)
    expect(manifest).toMatchObject({ serial: 1, files: [{ name: 'Gantry-0.2.0.AppImage', bytes: 10 }] })
  })

  test('sign the software of a licensed feature, and no feature by a name that leads elsewhere (R011)', () => {
    run(['key', '--key', at('licensed.json')])
    const licensed = (feature: string) => ['licensed', '--key', at('licensed.json'), '--out', at('licensed'), '--feature', feature]
    const first = ['--file', at('dist', 'Gantry-0.2.0.AppImage'), '--release', '1.0.0', '--first']
    const done = run([...licensed('dose-reports'), ...first])
    expect([done.status, JSON.parse(done.stdout)]).toEqual([0, expect.objectContaining({ feature: 'dose-reports', release: '1.0.0', serial: 1 })])
    expect(done.stderr).toMatch(/Release 1\.0\.0 of the licensed feature dose-reports/)
    expect(JSON.parse(run(licensed('dose-reports')).stdout)).toMatchObject({ release: '1.0.0', serial: 2 })
    expect([run([...licensed('../other'), ...first]).status, existsSync(at('other'))]).toEqual([2, false])
  })

  test('take no key over another', () => {
    writeFileSync(at('there.json'), '{}')
    expect([run(['key', '--key', at('there.json')]).status, readFileSync(at('there.json'), 'utf8')]).toEqual([2, '{}'])
  })
})
