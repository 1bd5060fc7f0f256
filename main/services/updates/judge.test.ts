import { describe, expect, test } from 'vitest'
import { UpdateManifest } from '../../../shared/update-manifest.ts'
import { drawOf, judgeManifest, type Standing } from './judge.ts'

const now = 1_790_000_000
const target = { channel: 'stable', platform: 'linux', arch: 'x64' } as const
const file = { format: 'AppImage', name: 'Gantry-0.2.0.AppImage', bytes: 10, sha512: 'a'.repeat(86) } as const
const signed: UpdateManifest = {
  version: 1,
  serial: 7,
  ...target,
  release: '0.2.0',
  minimum: '0.0.0',
  files: [file],
  percentage: 100,
  halted: false,
  issuedAt: now - 1_000,
  expiresAt: now + 86_400,
}
const here: Standing = { installed: '0.1.0', target, format: 'AppImage', serial: 7, installation: 'one of many', nowMs: now * 1_000 }
const draw = drawOf('one of many', '0.2.0')

describe('a manifest is judged before anything is fetched (T15)', () => {
  test.each<[string, Partial<UpdateManifest>, Partial<Standing>, object]>([
    ['the same serial as before', {}, {}, { kind: 'offered', release: '0.2.0', file, isRequired: false }],
    ['a higher serial', { serial: 8 }, {}, { kind: 'offered' }],
    ['the first one ever', {}, { serial: 0 }, { kind: 'offered' }],
    ['the same release', { release: '0.1.0' }, {}, { kind: 'current' }],
    ['an older release under a newer serial', { release: '0.0.9', serial: 9 }, {}, { kind: 'current' }],
    ['numbers are numbers', { release: '0.10.0' }, { installed: '0.9.0' }, { kind: 'offered' }],
    ['an older serial, whatever it offers', { serial: 6, release: '9.0.0' }, {}, { kind: 'refused', code: 'update.older' }],
    ['an older serial that is halted', { serial: 6, halted: true }, {}, { kind: 'refused', code: 'update.older' }],
    ['another channel', { channel: 'beta' }, {}, { kind: 'refused', code: 'update.not-for-us', details: { field: 'channel' } }],
    ['another platform', { platform: 'win32' }, {}, { kind: 'refused', code: 'update.not-for-us', details: { field: 'platform' } }],
    ['another processor', { arch: 'arm64' }, {}, { kind: 'refused', code: 'update.not-for-us', details: { field: 'arch' } }],
    ['no file of this kind', {}, { format: 'deb' }, { kind: 'refused', code: 'update.not-for-us', details: { field: 'deb' } }],
    ['its last moment', { expiresAt: now - 119 }, {}, { kind: 'offered' }],
    ['a moment too late', { expiresAt: now - 121 }, {}, { kind: 'refused', code: 'update.expired' }],
    ['too late, and nothing new', { expiresAt: now - 121, release: '0.1.0' }, {}, { kind: 'refused', code: 'update.expired' }],
    ['halted', { halted: true }, {}, { kind: 'halted', release: '0.2.0' }],
    ['halted, and installed already', { halted: true }, { installed: '0.2.0' }, { kind: 'halted', release: '0.2.0' }],
    ['halted, long behind us', { halted: true }, { installed: '0.3.0' }, { kind: 'current' }],
    ['not its turn', { percentage: draw }, {}, { kind: 'later' }],
    ['its turn', { percentage: draw + 1 }, {}, { kind: 'offered' }],
    ['nobody’s turn', { percentage: 0 }, {}, { kind: 'later' }],
    ['too old to be used', { percentage: 0, minimum: '0.1.1' }, {}, { kind: 'offered', isRequired: true }],
    ['just new enough', { percentage: 0, minimum: '0.1.0' }, {}, { kind: 'later' }],
    ['too old, but what would come is halted', { halted: true, minimum: '0.1.1' }, {}, { kind: 'halted' }],
  ])('%s', (_, change, standing, verdict) => {
    expect(judgeManifest(UpdateManifest.parse({ ...signed, ...change }), { ...here, ...standing })).toMatchObject(verdict)
  })

  test('who is in stays in when the percentage grows, and the first ones are others with each release', () => {
    const everybody = Array.from({ length: 500 }, (_, at) => `installation ${at}`)
    const first = (release: string) => everybody.filter((one) => drawOf(one, release) < 10)
    expect(first('0.2.0').length).toBeGreaterThan(25)
    expect(first('0.2.0').length).toBeLessThan(80)
    expect(first('0.2.0').filter((one) => drawOf(one, '0.2.0') < 50)).toEqual(first('0.2.0'))
    expect(first('0.2.0').filter((one) => first('0.3.0').includes(one)).length).toBeLessThan(20)
  })
})

describe('the shape of a manifest', () => {
  test.each<[string, object]>([
    ['a path in a name', { files: [{ ...file, name: '../x.AppImage' }] }],
    ['a name of another format', { files: [{ ...file, name: 'x.deb' }] }],
    ['two files of one format', { files: [file, file] }],
    ['no file', { files: [] }],
    ['a file without an end', { files: [{ ...file, bytes: 2_000_000_000 }] }],
    ['half a digest', { files: [{ ...file, sha512: 'a'.repeat(43) }] }],
    ['a release that is no three numbers', { release: '0.2.0-beta.1' }],
    ['a serial of 0', { serial: 0 }],
    ['more than all', { percentage: 101 }],
    ['good for too long', { expiresAt: now + 31 * 86_400 }],
    ['over before it begins', { expiresAt: now - 1_001 }],
    ['a field that nobody knows', { more: 1 }],
  ])('%s is refused', (_, change) => {
    expect(UpdateManifest.safeParse(signed).success).toBe(true)
    expect(UpdateManifest.safeParse({ ...signed, ...change }).success).toBe(false)
  })
})
