import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../shared/errors.ts'
import { newId, type RequestId } from '../../shared/ids.ts'
import { readLines } from '../../shared/node/lines.ts'
import { PanelInput, PanelScreen, type PanelState } from '../../shared/panel.ts'
import { realClock } from '../clock.ts'
import { silentLog } from '../log.ts'
import { startPanel } from '../panel/panel.ts'
import { createPanelLink, type PanelLink } from '../panel-link.ts'
import { type AskRule, askPerson, judgePress, requirePanel } from './approval.ts'

const code = '048213'
const press = (allow: boolean, typed: string | null) => ({ type: 'request.answered' as const, requestId: newId<RequestId>('req'), allow, code: typed })

describe('what a press means (R080, R084)', () => {
  const asked = { rule: 'ask' as const, code, triesLeft: 3 }
  const typed = { rule: 'ask-typed' as const, code, triesLeft: 3 }

  test('Refuse refuses, whatever was typed', () => {
    expect(judgePress(press(false, code), asked)).toEqual({ kind: 'refused', code: 'access.refused' })
    expect(judgePress(press(false, code), typed)).toEqual({ kind: 'refused', code: 'access.refused' })
  })

  test('where the code is compared, Allow vouches for it, and a typed one must be right at once', () => {
    expect(judgePress(press(true, null), asked)).toEqual({ kind: 'approved' })
    expect(judgePress(press(true, '048 213'), asked)).toEqual({ kind: 'approved' })
    expect(judgePress(press(true, '048214'), asked)).toEqual({ kind: 'refused', code: 'access.code-wrong' })
  })

  test('where it must be typed, only the typed code opens, with three tries', () => {
    expect(judgePress(press(true, code), typed)).toEqual({ kind: 'approved' })
    expect(judgePress(press(true, null), typed)).toEqual({ kind: 'again', triesLeft: 2 })
    expect(judgePress(press(true, ''), { ...typed, triesLeft: 2 })).toEqual({ kind: 'again', triesLeft: 1 })
    expect(judgePress(press(true, '000000'), { ...typed, triesLeft: 1 })).toEqual({ kind: 'refused', code: 'access.code-wrong' })
  })
})

describe('asking the person, over the panel’s real socket', () => {
  let folder: string
  let panel: PanelLink
  let screen: { input: PassThrough; output: PassThrough }
  let states: PanelState[]
  let stop: AbortController
  const question = () => ({
    requestId: newId<RequestId>('req'),
    specialist: 'Elena Marchetti',
    employer: 'Norvane Service',
    country: 'CA',
    access: 'os' as const,
    serviceKind: 'support' as const,
    reason: 'The console reacts slowly',
    caseId: '48213',
    minutes: 30,
    maxBytes: null,
    askedMs: Date.now(),
    answerBeforeMs: Date.now() + 120_000,
  })

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'panel-'))
    stop = new AbortController()
    states = []
  })
  afterEach(() => {
    stop.abort()
    rmSync(folder, { recursive: true, force: true })
  })

  async function connect() {
    screen = { input: new PassThrough(), output: new PassThrough() }
    const config = { socket: join(folder, 'p', 'panel.sock'), group: null, user: null, language: 'en' as const, stopWithStdin: false }
    await startPanel({ config, screen, log: silentLog, signal: stop.signal })
    void follow(screen.output)
    panel = createPanelLink({ socketPath: config.socket, clock: realClock, log: silentLog, signal: stop.signal, retryMs: 10 })
    await requirePanel(panel, stop.signal)
  }
  async function follow(output: PassThrough) {
    for await (const line of readLines(output, { maxBytes: 1_000_000 })) {
      const shown = PanelScreen.parse(JSON.parse(line))
      if (shown.type === 'state') states.push(shown.state)
    }
  }
  const answer = (input: PanelInput) => screen.input.write(`${JSON.stringify(PanelInput.parse(input))}\n`)
  const until = async (holds: () => boolean) => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
  }
  const ask = (rule: AskRule, one = question(), signal = stop.signal) => {
    const outcome = askPerson({ question: one, rule, code, panel, clock: realClock, signal }).then(
      () => 'approved',
      (error: AppError) => error.code,
    )
    return { outcome, requestId: one.requestId }
  }
  const waiting = () => states.at(-1)?.waiting[0]

  test('shows who, why and the code, and passes on the yes (R119)', async () => {
    await connect()
    const { outcome, requestId } = ask('ask')
    await until(() => waiting() !== undefined)
    expect(waiting()).toMatchObject({ specialist: 'Elena Marchetti', country: 'CA', reason: 'The console reacts slowly', minutes: 30, code })
    answer({ type: 'answer', requestId, allow: true, code: null })
    expect(await outcome).toBe('approved')
    await until(() => states.at(-1)?.last?.outcome === 'approved')
  })

  test('a code to be typed is never told to the panel, and three wrong ones refuse', async () => {
    await connect()
    const { outcome, requestId } = ask('ask-typed')
    for (const triesLeft of [3, 2, 1]) {
      await until(() => waiting()?.triesLeft === triesLeft)
      answer({ type: 'answer', requestId, allow: true, code: '111111' })
    }
    expect(await outcome).toBe('access.code-wrong')
    expect(JSON.stringify(states)).not.toContain(code)
    await until(() => states.at(-1)?.last?.outcome === 'code-wrong')
  })

  test('an answer to another question changes nothing', async () => {
    await connect()
    const { outcome, requestId } = ask('ask')
    await until(() => waiting() !== undefined)
    answer({ type: 'answer', requestId: newId('req'), allow: true, code: null })
    answer({ type: 'answer', requestId, allow: false, code: null })
    expect(await outcome).toBe('access.refused')
  })

  test('nobody answers in time: refused (R084)', async () => {
    await connect()
    const { outcome } = ask('ask', { ...question(), answerBeforeMs: Date.now() + 60 })
    expect(await outcome).toBe('access.no-answer')
    await until(() => states.at(-1)?.last?.outcome === 'no-answer')
  })

  test('a question that is withdrawn leaves the screen', async () => {
    await connect()
    const cancel = new AbortController()
    const { outcome } = ask('ask', question(), cancel.signal)
    await until(() => waiting() !== undefined)
    cancel.abort(new AppError('access.cancelled'))
    expect(await outcome).toBe('access.cancelled')
    await until(() => states.at(-1)?.waiting.length === 0)
    expect(states.at(-1)?.last?.outcome).toBe('cancelled')
  })

  test('a panel that is not there means nobody can agree', async () => {
    panel = createPanelLink({ socketPath: join(folder, 'none.sock'), clock: realClock, log: silentLog, signal: stop.signal, retryMs: 10 })
    await expect(requirePanel(panel, stop.signal)).rejects.toMatchObject({ code: 'access.panel-missing' })
  })
})
