import { serve } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { calls } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import { referToLog } from './references.ts'
import type { LogFacts, ServiceLog } from './services.ts'

function serving(fail: () => never) {
  const lines: [string, LogFacts | undefined][] = []
  const write = (message: string, facts?: LogFacts) => void lines.push([message, facts])
  const log: ServiceLog = { info: write, warn: write, error: write }
  const defects: unknown[] = []
  const answer = serve(calls, referToLog({ 'device.list': fail } as never, log), (error) => defects.push(error))
  return { ask: () => answer('device.list', {}, null), lines, defects }
}

describe('a failure and its line in the log', () => {
  test('have one reference, that can be read out', async () => {
    const { ask, lines } = serving(() => {
      throw new AppError('server.unreachable', { details: { host: 'gantry.example' } })
    })
    const first = await ask()
    if (first.ok) throw new Error('it should have failed')
    const reference = String(first.failure.details?.reference)
    expect(reference).toMatch(/^[2-9A-HJKMNP-Z]{6}$/)
    expect(first.failure).toEqual({ code: 'server.unreachable', details: { host: 'gantry.example', reference } })
    expect(lines).toEqual([['a call came to nothing', { call: 'device.list', code: 'server.unreachable', reference }]])
    await ask()
    expect(lines[1]?.[1]?.reference).not.toBe(reference)
  })

  test('a defect is told as such, with what it was, and its words stay out of that line', async () => {
    const { ask, lines, defects } = serving(() => {
      throw new TypeError('undefined is not a patient')
    })
    const answer = await ask()
    expect(answer).toMatchObject({ ok: false, failure: { code: 'internal' } })
    expect(String(defects[0])).toContain('undefined is not a patient')
    expect(JSON.stringify(lines)).not.toContain('patient')
  })
})
