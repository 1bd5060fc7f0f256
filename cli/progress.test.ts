import { PassThrough } from 'node:stream'
import type { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress } from '@gantry/shared/ipc.ts'
import { describe, expect, test } from 'vitest'
import { createConsole } from './console.ts'
import { createProgress } from './progress.ts'

function createStage({ isTTY = false, language = 'en' as 'en' | 'fr' } = {}) {
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 60 })
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} }
  let tick = () => {}
  let stopped = 0
  const every = (run: () => void) => {
    tick = run
    return () => void stopped++
  }
  let nowMs = 0
  const progress = createProgress(createConsole(io, { language, json: false }), { now: () => nowMs, every })
  const said = () => String(stderr.read() ?? '')
  const tickAt = (ms: number) => {
    nowMs = ms
    tick()
  }
  return { progress, said, tick: tickAt, stopped: () => stopped }
}

const at = (name: RequestProgress['steps'][number]['name'], seconds: number) => ({ name, atMs: seconds * 1_000 })
const request = (part: Partial<RequestProgress>): RequestProgress => ({
  requestId: 'req_abcdefghijklmnopqrst' as RequestId,
  device: { id: 'dev_abcdefghijklmnopqrst' as DeviceId, name: 'CT Suite 3', site: 'Pavillon C' },
  ...{ access: 'os', serviceKind: 'support', reason: 'test', caseId: 'C-1', minutes: 15, state: 'requested', steps: [at('signed', 0)] },
  ...{ contact: null, code: null, typed: false, answerBeforeMs: null, passed: [], accessServer: null, failure: null },
  ...part,
})

describe('a request as it goes on, on stderr', () => {
  test('each step once, and the matching code on a line of its own (R080)', () => {
    const { progress, said } = createStage()
    progress.show(request({}))
    progress.show(request({ state: 'picked-up', steps: [at('signed', 0), at('picked-up', 3)] }))
    const steps = [at('signed', 0), at('picked-up', 3), at('code', 3)]
    progress.show(request({ state: 'picked-up', steps, code: '482193' }))
    progress.show(request({ state: 'asking', steps: [...steps, at('asking', 4)], code: '482193' }))
    const lines = said().split('\n')
    expect(lines.filter((line) => line === 'matching code 482 193').length).toBe(1)
    expect(lines.filter((line) => line.startsWith('picked up')).length).toBe(1)
    expect(lines.indexOf('picked up by the device, which checked every signature (3 s)')).toBeLessThan(lines.indexOf('matching code 482 193'))
  })

  test('that the customer’s contact is waited for is said once, before anything about the device (R084)', () => {
    const { progress, said } = createStage()
    for (const contact of ['telling', 'telling', 'answer', null] as const) progress.show(request({ contact }))
    const lines = said().split('\n')
    expect(lines.filter((line) => line.startsWith('telling the customer’s contact'))).toHaveLength(1)
    expect(lines.filter((line) => line.startsWith('waiting for the customer’s contact'))).toHaveLength(1)
  })

  test('where the code must be typed at the panel, it is to be read out', () => {
    const { progress, said } = createStage()
    progress.show(request({ steps: [at('code', 1)], code: '000001', typed: true }))
    expect(said()).toContain('matching code 000 001\nRead the code out')
  })

  test('a code step whose code is not known yet waits for it', () => {
    const { progress, said } = createStage()
    progress.show(request({ steps: [at('code', 1)] }))
    expect(said()).toBe('')
    progress.show(request({ steps: [at('code', 1)], code: '123456' }))
    expect(said()).toContain('matching code 123 456\n')
  })

  test('on a terminal one line says what is waited for and since when, and goes away at the end', () => {
    const { progress, said, tick, stopped } = createStage({ isTTY: true })
    progress.show(request({}))
    said()
    tick(7_000)
    expect(said()).toBe('\r\u001b[Kwaiting for the device to pick it up… 7 s')
    progress.close()
    expect([said(), stopped()]).toEqual(['\r\u001b[K', 1])
  })

  test('without a terminal there is nothing but lines', () => {
    const { progress, said } = createStage()
    progress.show(request({}))
    progress.close()
    expect(said()).toBe('request signed (0 s)\n')
  })

  test('a server’s name cannot write on the terminal', () => {
    const { progress, said } = createStage()
    progress.show(request({ steps: [at('joined', 1)], accessServer: { name: 'east\u001b[2J', site: 'x\ny' } }))
    expect(said()).toBe('joined through east\\u{1b}[2J, x\\u{a}y (0 s)\n')
  })
})
