import { describe, expect, test } from 'vitest'
import { generateSigningKey } from '../shared/node/signing.ts'
import { authorityPart } from '../test/support/device.ts'
import { authorityOf, parseEnrolmentCode } from './enrolment.ts'

const authority = generateSigningKey().publicJwk
const secret = 'abcdefghijklmnopqrst'

describe('the enrolment code', () => {
  test('carries 128 bits of the authority’s hash, so another authority is found out', () => {
    const code = parseEnrolmentCode(`GNT1-${secret}-${authorityPart(authority)}`)
    expect(code.secret).toBe(secret)
    authorityOf(code, [authority])
    expect(() => authorityOf(code, [generateSigningKey().publicJwk])).toThrow(expect.objectContaining({ code: 'enrol.authority-mismatch' }))
  })

  test('is read in any case and with blanks around it', () => {
    authorityOf(parseEnrolmentCode(` gnt1-${secret}-${authorityPart(authority).toUpperCase()}\n`), [authority])
  })

  test.each([[''], ['GNT1'], [`GNT2-${secret}-${authorityPart(authority)}`], [`GNT1-${secret}-${authorityPart(authority).slice(1)}`], [`GNT1-${secret}-`]])(
    'that is not whole is refused (%j)',
    (text) => {
      expect(() => parseEnrolmentCode(text)).toThrow(expect.objectContaining({ code: 'enrol.code-bad' }))
    },
  )
})
