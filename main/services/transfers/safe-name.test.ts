import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { safeLocalName, visibleName } from './safe-name.ts'

describe('a name from a device, written on this computer', () => {
  const cases: [string, string, NodeJS.Platform][] = [
    ['report.txt', 'report.txt', 'linux'],
    ['Bericht für März.pdf', 'Bericht für März.pdf', 'win32'],
    ['a\\b', 'a%5Cb', 'linux'],
    ['line\nbreak', 'line%0Abreak', 'linux'],
    ['exe.\u202etxt.scan', 'exe.%E2%80%AEtxt.scan', 'linux'],
    ['zero\u200bwidth', 'zero%E2%80%8Bwidth', 'darwin'],
    ['con', '%63on', 'linux'],
    ['AUX.log', '%41UX.log', 'win32'],
    ['com1', '%63om1', 'win32'],
    ['con .txt', '%63on .txt', 'win32'],
    ['company', 'company', 'win32'],
    ['trailing. ', 'trailing%2E%20', 'win32'],
    ['stream:hidden', 'stream%3Ahidden', 'win32'],
    ['stream:shown', 'stream:shown', 'linux'],
  ]
  test.each(cases)('%j becomes %j on %s', (name, expected, platform) => {
    expect(safeLocalName(name, platform)).toBe(expected)
  })

  test.each(['', '.', '..', 'nul\u0000byte', 'x'.repeat(300), 'lone \ud800 surrogate'])('%j is refused', (name) => {
    expect(() => safeLocalName(name)).toThrow(expect.objectContaining({ code: 'file.name-not-allowed' }))
  })

  test('never leads anywhere else, whatever it holds', () => {
    const platform = fc.constantFrom<NodeJS.Platform[]>('linux', 'darwin', 'win32')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), platform, (name, where) => {
        let safe: string
        try {
          safe = safeLocalName(name, where)
        } catch {
          return
        }
        expect(safe).not.toMatch(/[/\\\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
        expect(['', '.', '..']).not.toContain(safe)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(255)
      }),
    )
  })

  test('is short and visible where a message repeats it', () => {
    expect(visibleName(`\u0000\n${'x'.repeat(500)}`)).toMatch(/^%00%0Ax+$/)
    expect(visibleName('x'.repeat(500))).toHaveLength(120)
  })
})
