import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditEvent } from '../shared/audit.ts'
import { AppError } from '../shared/errors.ts'
import { type AuditLog, openAuditLog } from '../shared/node/audit-log.ts'
import { generateSigningKey, signJws } from '../shared/node/signing.ts'
import type { CompactJws } from '../shared/ticket.ts'
import { silentLog } from './log.ts'
import { createOutbox, emptyOutbox, OutboxState } from './outbox.ts'
import { openStateFile } from './state-file.ts'

let folder: string
let auditLog: AuditLog
const key = generateSigningKey()
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  auditLog = openAuditLog({ folder, key, party: 'CT Suite 3', keepsPrivate: true })
})
afterEach(() => {
  auditLog.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The main server's two calls, with its own memory of what it has, and a mood. */
function server() {
  const state = { answers: [] as string[], events: [] as AuditEvent[], reports: 0, failWith: null as AppError | null, loseAnswer: false }
  const call = async (name: string, input: unknown) => {
    if (state.failWith) throw state.failWith
    if ((input as { events?: AuditEvent[] }).events?.some((event) => event.data?.poison)) throw new AppError('contract.bad-input')
    if (name === 'access-request.answer') {
      state.answers.push((input as { answer: string }).answer)
      return {}
    }
    state.reports += 1
    const { events } = input as { events: AuditEvent[] }
    state.events.push(...events.filter((event) => !state.events.some((known) => known.id === event.id)))
    if (state.loseAnswer) throw new AppError('server.unreachable')
    return { head: 'head' }
  }
  return { state, call: call as Parameters<ReturnType<typeof createOutbox>['flush']>[0] }
}
const open = () =>
  createOutbox({
    file: openStateFile({ path: join(folder, 'outbox.json'), schema: OutboxState, initial: emptyOutbox, onLost: () => {} }),
    auditLog: () => auditLog,
    witness: async () => {
      auditLog.append({ kind: 'head.witnessed', actor: { kind: 'unknown' } })
    },
    log: silentLog,
  })
const signal = new AbortController().signal
const answer = (text: string): Promise<CompactJws> => signJws('answer', { text }, key)

describe('the outbox', () => {
  test('sends answers in order, and what a crash cut off after the restart', async () => {
    const { state, call } = server()
    const outbox = open()
    const [first, second] = [await answer('first'), await answer('second')]
    outbox.addAnswer(first)
    outbox.addAnswer(second)
    state.failWith = new AppError('server.unreachable')
    await expect(outbox.flush(call, signal)).rejects.toMatchObject({ code: 'server.unreachable' })
    state.failWith = null
    await open().flush(call, signal)
    expect(state.answers).toEqual([first, second])
    expect(open().hasAnswers()).toBe(false)
  })

  test('says an answer also when the disk is full', async () => {
    const { state, call } = server()
    const outbox = createOutbox({
      file: {
        value: emptyOutbox(),
        save() {
          throw new Error('ENOSPC')
        },
      },
      auditLog: () => null,
      witness: async () => {},
      log: silentLog,
    })
    const refusal = await answer('no')
    outbox.addAnswer(refusal)
    await outbox.flush(call, signal)
    expect(state.answers).toEqual([refusal])
  })

  test('drops an answer that will never be taken, and keeps one that may be', async () => {
    const { state, call } = server()
    const outbox = open()
    outbox.addAnswer(await answer('too late'))
    state.failWith = new AppError('access.wrong-state')
    await outbox.flush(call, signal).catch(() => undefined)
    expect(outbox.hasAnswers()).toBe(false)
    outbox.addAnswer(await answer('again'))
    state.failWith = new AppError('internal')
    await outbox.flush(call, signal).catch(() => undefined)
    expect(outbox.hasAnswers()).toBe(true)
  })

  test('reports each event once and in order, also when the main server’s word is lost on the way (R089)', async () => {
    const { state, call } = server()
    const outbox = open()
    for (let at = 0; at < 505; at++) auditLog.append({ kind: 'device.started', actor: { kind: 'agent' }, data: { at } })
    state.loseAnswer = true
    await outbox.flush(call, signal).catch(() => undefined)
    state.loseAnswer = false
    await open().flush(call, signal)
    const own = [...auditLog.read()].map((line) => line.event).filter((event) => event.kind !== 'head.witnessed')
    expect(state.events.filter((event) => event.kind !== 'head.witnessed')).toEqual(own)
  })

  test('an event that the main server will not have holds up none behind it', async () => {
    const { state, call } = server()
    for (let at = 0; at < 30; at++) auditLog.append({ kind: 'device.started', actor: { kind: 'agent' }, data: { at, ...(at === 17 ? { poison: true } : {}) } })
    await open().flush(call, signal)
    expect(state.events.filter((event) => event.kind === 'device.started').map((event) => event.data?.at)).toEqual(
      Array.from({ length: 30 }, (_, at) => at).filter((at) => at !== 17),
    )
    expect(open().hasEvents()).toBe(false)
  })

  test('a witnessed head is no reason for another report, or two logs would go on for ever', async () => {
    const { state, call } = server()
    const outbox = open()
    auditLog.append({ kind: 'device.started', actor: { kind: 'agent' } })
    await outbox.flush(call, signal)
    expect(outbox.hasEvents()).toBe(false)
    const { reports } = state
    await outbox.flush(call, signal)
    expect(state.reports).toBe(reports)
  })

  test('what is private stays on the device (R096)', async () => {
    const { state, call } = server()
    auditLog.append({ kind: 'access.requested', actor: { kind: 'specialist' }, private: { reason: 'CANARY 4711' } })
    await open().flush(call, signal)
    expect(state.events.at(-1)?.privateHash).toBeDefined()
    expect(JSON.stringify(state.events)).not.toContain('CANARY')
  })
})
