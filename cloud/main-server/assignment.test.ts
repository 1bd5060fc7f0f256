import { newId } from '@gantry/shared/ids.ts'
import { describe, expect, test } from 'vitest'
import { nothingElse } from '../../test/support/main-server.ts'
import { covers, levelsFor, limitsFor, type Place } from './assignment.ts'
import { Grant } from './seed.ts'

const device: Place = { id: newId<never>('dev'), siteId: newId<never>('sit'), customerId: newId<never>('cus'), modelId: 'nv-520' }
const grant = (change: object) => Grant.parse({ levels: ['os'], ...change })

describe('what a profile allows on a device (R071, R073)', () => {
  test.each([
    ['nothing without a grant', [], null],
    ['nothing by a grant that names no place', [{}], null],
    ['nothing by a grant that names a model alone', [{ models: ['nv-520'] }], null],
    ['nothing by another customer, site or device', [{ customers: [newId('cus')], sites: [newId('sit')], devices: [newId('dev')] }], null],
    ['its customer’s levels', [{ customers: [device.customerId], levels: ['files', 'diagnostics'] }], ['diagnostics', 'files']],
    ['its site’s levels', [{ sites: [device.siteId], levels: ['files'] }], ['files']],
    ['its own levels', [{ devices: [device.id], levels: ['os'] }], ['os']],
    ['those of every customer', [{ customers: '*', levels: ['application'] }], ['application']],
    ['those for its model', [{ customers: '*', models: ['nv-310', 'nv-520'], levels: ['os'] }], ['os']],
    ['nothing for another model', [{ customers: '*', devices: [device.id], models: ['nv-310'] }], null],
    ['nothing for no model', [{ customers: '*', models: [] }], null],
    [
      'all of several grants, each once',
      [
        { customers: '*', levels: ['files'] },
        { devices: [device.id], levels: ['os', 'files'] },
      ],
      ['files', 'os'],
    ],
    ['assigned, but nothing allowed', [{ customers: '*', levels: [] }], []],
  ] as [string, object[], string[] | null][])('%s', (_what, grants, levels) => {
    expect(levelsFor(grants.map(grant), device)).toEqual(levels)
  })
})

describe('what goes along with a level (R072, R073)', () => {
  const all = { toDevice: true, fromDevice: true, maxFileBytes: 1_000 }

  test('a new profile allows nothing, and a grant no more than it says', () => {
    expect(limitsFor([], device, 'os')).toBeNull()
    expect(limitsFor([grant({ customers: '*' })], device, 'os')).toEqual(nothingElse)
    expect(limitsFor([grant({ customers: '*' })], device, 'files')).toBeNull()
  })

  test('of several grants for one level each dimension is taken together; a grant of another level, place or model lends nothing', () => {
    const grants = [
      grant({ customers: '*', files: { ...all, fromDevice: false }, actions: ['service.restart'] }),
      grant({ sites: [device.siteId], files: { ...all, toDevice: false, maxFileBytes: 5_000 }, actions: ['diagnostics.collect'] }),
      grant({ customers: '*', levels: ['diagnostics'], patientData: true, actions: '*' }),
      grant({ customers: '*', models: ['nv-310'], patientData: true, actions: '*' }),
      grant({ devices: [newId('dev')], patientData: true, actions: '*' }),
    ]
    expect(limitsFor(grants, device, 'os')).toEqual({
      files: { ...all, maxFileBytes: 5_000 },
      actions: ['diagnostics.collect', 'service.restart'],
      patientData: false,
    })
  })

  test('what was given is covered by as much or more, and by nothing that is narrower in any dimension', () => {
    const given = { files: all, actions: ['diagnostics.collect', 'service.restart'], patientData: true }
    for (const now of [given, { ...given, actions: '*' as const }, { ...given, files: { ...all, maxFileBytes: 1_001 } }]) expect(covers(now, given)).toBe(true)
    const narrower = [
      { ...given, files: { ...all, toDevice: false } },
      { ...given, files: { ...all, fromDevice: false } },
      { ...given, files: { ...all, maxFileBytes: 999 } },
      { ...given, actions: ['service.restart'] },
      { ...given, patientData: false },
    ]
    for (const now of narrower) expect(covers(now, given)).toBe(false)
    expect(covers(given, { ...given, actions: '*' })).toBe(false)
  })
})
