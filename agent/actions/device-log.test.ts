import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isTechnical, readLogTail, withheldLine } from './device-log.ts'

const at = '2026-11-20T10:00:00.000Z'

describe('the log tail of the diagnostics (R003, R096)', () => {
  test.each([
    'INFO self test passed in 412 ms',
    'INFO syringe heater 37.0 C, target 37.0 C',
    'WARN console answers slowly: 640 MB of 1024 MB in use',
    'INFO pressure sensor A zero offset 0.3 kPa',
    'ERROR E-214 air detector calibration older than 90 days',
    'INFO network time offset 12 ms',
    'WARN disk 81 % full',
    'INFO service restarting',
    'ERROR pump error code=0x1f attempt=3 state=stopped',
    'INFO firmware version=2.11.4',
  ])('%s is shown', (line) => {
    expect(isTechnical(`${at} ${line}`)).toBe(true)
  })

  // All synthetic.
  test.each([
    'INFO examination started patient="SYNTHETIC, TEST-ONE" mrn=SYN-000117',
    'INFO injection finished mrn=SYN-000117 contrast_ml=82',
    'INFO accession=SYN-A-4471',
    'INFO Doe John',
    'INFO scan of synthetic test-one finished',
    'INFO exam started 1961-04-12',
    'INFO exam started 12.04.1961',
    'INFO id 123456',
    'INFO phone 555 0100 1234567',
    'INFO state=Miller',
    'INFO state=miller',
    'INFO restart by dr.synthetic@example.org',
    'INFO weight 82kg',
    'INFO M 61y',
    'INFO /data/patients/one',
    'INFO http://10.0.0.7/wado?studyUID=1.2.840',
    'INFO 1.2.840.113619.2.55',
    'INFO fan 地',
    `INFO ${'ok '.repeat(200)}`,
  ])('%s is withheld', (line) => {
    expect(isTechnical(`${at} ${line}`)).toBe(false)
  })

  test('a line without a time of its own, such as the rest of a longer one, is withheld', () => {
    expect(isTechnical('ok')).toBe(false)
    expect(isTechnical('  at start (ok)')).toBe(false)
  })

  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-log-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  test('the last lines come in order, the withheld ones are replaced and counted', async () => {
    const path = join(folder, 'service.log')
    writeFileSync(path, [`${at} INFO ok`, `${at} INFO patient="SYNTHETIC, TEST-ONE"`, `${at} WARN disk 81 % full`, ''].join('\n'))
    expect(await readLogTail(path, 2)).toEqual({ log: [withheldLine, `${at} WARN disk 81 % full`], linesWithheld: 1 })
    expect(await readLogTail(path, 0)).toEqual({ log: [], linesWithheld: 0 })
    expect(await readLogTail(join(folder, 'absent'), 5)).toEqual({ log: [], linesWithheld: 0 })
  })

  test('of a large log only the end is read', async () => {
    const path = join(folder, 'service.log')
    writeFileSync(path, `${at} INFO ok\n`.repeat(100_000))
    const { log, linesWithheld } = await readLogTail(path, 500)
    expect([log.length, linesWithheld]).toEqual([500, 0])
  })
})
