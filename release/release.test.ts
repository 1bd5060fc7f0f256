import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { generateSigningKey, signJws, verifyJws } from '../shared/node/signing.ts'
import { UpdateManifest } from '../shared/update-manifest.ts'
import { releaseEn } from '../shared/words/release.en.ts'
import { draftChange, draftRelease, type Wishes, writeDraft } from './release.ts'

/** What is signed for the desktop client (T15). */
const key = generateSigningKey()
let folder: string
const at = (...parts: string[]) => join(folder, ...parts)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'))
  mkdirSync(at('dist'))
  build('0.2.0')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function build(release: string) {
  for (const name of [`Gantry-${release}.AppImage`, `gantry_${release}_amd64.deb`, `Gantry-${release}.tar.gz`, `Gantry-1${release}.AppImage`])
    writeFileSync(at('dist', name), `the content of ${name}`)
}
const target = { channel: 'stable', platform: 'linux', arch: 'x64' } as const
const place = () => ({ out: at('out'), target, publicKey: key.publicJwk, nowMs: Date.now(), words: releaseEn })
const publish = async (release: string, { isFirst = false, ...wishes }: Partial<Wishes> & { isFirst?: boolean } = {}) =>
  writeDraft(at('out'), await draftRelease(place(), { from: at('dist'), release, isFirst, days: 14, ...wishes }), key)
const change = async (wishes: Partial<Wishes>) => writeDraft(at('out'), await draftChange(place(), { days: 14, ...wishes }), key)
const manifest = () => at('out', 'stable-linux-x64.jws')
const published = () =>
  verifyJws(readFileSync(manifest(), 'utf8'), { type: 'update', schema: UpdateManifest, key: key.publicJwk, failure: 'update.manifest-bad' })
const problem = (text: string) => ({ code: 'usage.bad', details: { problem: `${text}.` } })

describe('a release', () => {
  test('is the files of its build that can update a client, with size and SHA-512 of each, and nothing beside them', async () => {
    await publish('0.2.0', { isFirst: true, percentage: 10, minimum: '0.1.0' })
    const { files, ...rest } = await published()
    expect(rest).toMatchObject({ ...target, release: '0.2.0', serial: 1, percentage: 10, minimum: '0.1.0', halted: false })
    expect(rest.expiresAt - rest.issuedAt).toBe(14 * 86_400)
    expect(files.map(({ format }) => format)).toEqual(['AppImage', 'deb'])
    for (const { name, bytes, sha512 } of files) {
      const content = readFileSync(at('out', name))
      expect([content.length, createHash('sha512').update(content).digest('base64url')]).toEqual([bytes, sha512])
    }
    expect(readdirSync(at('out')).sort()).toEqual(['Gantry-0.2.0.AppImage', 'gantry_0.2.0_amd64.deb', 'stable-linux-x64.jws'])
  })

  test('is widened, taken back and offered again, each under the next serial', async () => {
    await publish('0.2.0', { isFirst: true, percentage: 10 })
    await change({ percentage: 50 })
    expect(await published()).toMatchObject({ serial: 2, percentage: 50, halted: false, release: '0.2.0' })
    await change({ halted: true })
    expect(await published()).toMatchObject({ serial: 3, percentage: 50, halted: true })
    await change({ halted: false, days: 30 })
    expect(await published()).toMatchObject({ serial: 4, halted: false })
    await expect(change({ days: 31 })).rejects.toThrow('contract.bad-input')
    await expect(change({ percentage: 101 })).rejects.toThrow('contract.bad-input')
    expect(await published()).toMatchObject({ serial: 4 })
  })

  test('goes on from what was published last: never anew, never older, never with another content under a name', async () => {
    await expect(publish('0.2.0')).rejects.toMatchObject(problem(releaseEn.noManifest))
    await expect(change({})).rejects.toMatchObject(problem(releaseEn.noManifest))
    expect(existsSync(manifest())).toBe(false)
    await publish('0.2.0', { isFirst: true })
    await expect(publish('0.2.0', { isFirst: true })).rejects.toMatchObject(problem(releaseEn.notFirst))
    await expect(publish('0.2.0')).rejects.toMatchObject(problem(releaseEn.notNewer('0.2.0')))
    build('0.3.0')
    copyFileSync(at('dist', 'Gantry-0.2.0.AppImage'), at('out', 'Gantry-0.3.0.AppImage'))
    await expect(publish('0.3.0')).rejects.toMatchObject({ code: 'update.published', details: { name: 'Gantry-0.3.0.AppImage' } })
    rmSync(at('out', 'Gantry-0.3.0.AppImage'))
    await publish('0.3.0')
    expect(await published()).toMatchObject({ serial: 2, release: '0.3.0', percentage: 100 })
    await expect(publish('0.4.0')).rejects.toMatchObject(problem(releaseEn.noFiles('0.4.0', 'AppImage, deb')))
  })

  test('is not signed above a manifest of another key', async () => {
    await publish('0.2.0', { isFirst: true })
    writeFileSync(manifest(), await signJws('update', await published(), generateSigningKey()))
    await expect(change({ halted: true })).rejects.toMatchObject({ code: 'update.manifest-bad' })
  })

  test('with two files of one format is refused: which of them is meant is not guessed', async () => {
    writeFileSync(at('dist', 'Gantry-0.2.0-arm64.AppImage'), 'another processor')
    await expect(publish('0.2.0', { isFirst: true })).rejects.toMatchObject(problem(releaseEn.twoFiles('AppImage')))
  })
})
