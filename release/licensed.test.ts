import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LicensedManifest } from '../shared/licensed-software.ts'
import { generateSigningKey, signJws, verifyJws } from '../shared/node/signing.ts'
import { releaseEn } from '../shared/words/release.en.ts'
import { draftLicensed, writeLicensed } from './licensed.ts'

// R011: what is signed for licensed features.

const key = generateSigningKey()
let folder: string
const at = (...parts: string[]) => join(folder, ...parts)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'licensed-release-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const place = (feature: string) => ({ out: at('out'), feature, publicKey: key.publicJwk, nowMs: Date.now(), words: releaseEn })
function built(name: string, content = `the content of ${name}`): string {
  writeFileSync(at(name), content)
  return at(name)
}
type Wishes = Partial<Parameters<typeof draftLicensed>[1]>
const publish = async (wishes: Wishes, feature = 'dose-reports') =>
  writeLicensed(at('out'), await draftLicensed(place(feature), { file: null, release: '1.0.0', isFirst: false, days: 90, ...wishes }), key)
const first = () => publish({ file: built('dose-reports 1.0.0.bin'), isFirst: true })
const manifest = () => at('out', 'dose-reports', 'manifest.jws')
const published = () =>
  verifyJws(readFileSync(manifest(), 'utf8'), { type: 'licensed-software', schema: LicensedManifest, key: key.publicJwk, failure: 'internal' })
const problem = (text: string) => ({ code: 'usage.bad', details: { problem: `${text}.` } })

describe('the software of a licensed feature', () => {
  test('lies in a folder of its own with a manifest, each signature under the next serial', async () => {
    await first()
    expect(readdirSync(at('out', 'dose-reports')).sort()).toEqual(['dose-reports-1.0.0.bin', 'manifest.jws'])
    expect(await published()).toMatchObject({ serial: 1, feature: 'dose-reports', release: '1.0.0', file: { name: 'dose-reports-1.0.0.bin', bytes: 37 } })
    await publish({ file: built('dose-reports-1.1.0.bin'), release: '1.1.0' })
    expect(await published()).toMatchObject({ serial: 2, release: '1.1.0', file: { name: 'dose-reports-1.1.0.bin' } })
    await publish({ days: 366 })
    const again = await published()
    expect([again.serial, again.release, again.expiresAt - again.issuedAt]).toEqual([3, '1.1.0', 366 * 86_400])
  })

  test('goes on from what was published last: never anew, never older, never with another content under a name', async () => {
    await expect(publish({ file: built('one.bin') })).rejects.toMatchObject(problem(releaseEn.noManifest))
    await expect(publish({ isFirst: true })).rejects.toMatchObject(problem(releaseEn.noManifest))
    await first()
    await expect(first()).rejects.toMatchObject(problem(releaseEn.notFirst))
    await expect(publish({ file: built('two.bin') })).rejects.toMatchObject(problem(releaseEn.notNewer('1.0.0')))
    await expect(publish({ file: built('dose-reports-1.0.0.bin', 'changed'), release: '2.0.0' })).rejects.toMatchObject({ code: 'update.published' })
    await expect(publish({ days: 367 })).rejects.toMatchObject({ code: 'contract.bad-input' })
    expect(await published()).toMatchObject({ serial: 1 })
  })

  test.each(['manifest.jws', '.hidden', '-name', 'na’me'])('never has the name %j', async (name) => {
    await expect(publish({ file: built(name), isFirst: true })).rejects.toMatchObject({
      code: 'contract.bad-input',
      details: { field: expect.stringMatching(/^file/) },
    })
  })

  test('is not signed above a manifest of another key', async () => {
    await first()
    writeFileSync(manifest(), await signJws('licensed-software', await published(), generateSigningKey()))
    await expect(publish({})).rejects.toMatchObject({ code: 'update.manifest-bad' })
  })
})
