import { newId } from '@gantry/shared/ids.ts'
import { describe, expect, test } from 'vitest'
import { levelsFor } from './assignment.ts'
import type { Grant } from './seed.ts'

const device = { id: newId<never>('dev'), customerId: newId<never>('cus') }
const none: Grant = { levels: ['os'] }

describe('what a profile allows on a device (R071, R073)', () => {
  test.each([
    ['nothing without a grant', [], null],
    ['nothing by a grant that names neither customer nor device', [none], null],
    ['nothing by another customer or device', [{ customers: [newId<never>('cus')], devices: [newId<never>('dev')], levels: ['os'] }], null],
    ['its customer’s levels', [{ customers: [device.customerId], levels: ['files', 'diagnostics'] }], ['diagnostics', 'files']],
    ['its own levels', [{ devices: [device.id], levels: ['os'] }], ['os']],
    ['those of every customer', [{ customers: '*', levels: ['application'] }], ['application']],
    [
      'all of several grants, each once',
      [
        { customers: '*', levels: ['files'] },
        { devices: [device.id], levels: ['os', 'files'] },
      ],
      ['files', 'os'],
    ],
    ['assigned, but nothing allowed', [{ customers: '*', levels: [] }], []],
  ] as [string, Grant[], string[] | null][])('%s', (_what, grants, levels) => {
    expect(levelsFor(grants, device)).toEqual(levels)
  })
})
