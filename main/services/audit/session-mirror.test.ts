import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEvent, AuditLink } from '@gantry/shared/audit.ts'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import { type AuditLog, openAuditLog } from '@gantry/shared/node/audit-log.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSessionMirror, type SessionMirror } from './session-mirror.ts'

/** A device's real log on one side, the workstation's real log on the other. */
let folder: string
let device: AuditLog
let own: AuditLog
let mirror: SessionMirror
let links: AuditLink[]
let seen: AuditEvent[]
let unwritable: unknown[]
const requestId = newId<RequestId>('req')
const other = newId<RequestId>('req')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mirror-'))
  device = openAuditLog({ folder: join(folder, 'device'), key: generateSigningKey(), party: 'dev', keepsPrivate: true })
  own = openAuditLog({ folder: join(folder, 'own'), key: generateSigningKey(), party: 'desktop', keepsPrivate: false })
  ;[links, seen, unwritable] = [[], [], []]
  // As the agent sends them: this session's events whole, others by hash alone.
  device.onLine((link) => links.push(link.event?.requestId === requestId ? link : { ...link, event: null }))
  mirror = createSessionMirror({ requestId, log: own, onEvent: (event) => seen.push(event), onUnwritable: (error) => unwritable.push(error) })
  mirror.key(device.publicJwk)
})
afterEach(() => {
  device.close()
  own.close()
  rmSync(folder, { recursive: true, force: true })
})

const write = (request: RequestId = requestId, path = '/log.txt') =>
  device.append({ kind: 'file.received', actor: { kind: 'specialist' }, requestId: request, data: { bytes: 5 }, private: { path } })
const tell = () => {
  for (const link of links.splice(0)) mirror.link(link)
}

describe('the audit mirror of a session (R090, R092)', () => {
  test('keeps the device’s events unchanged, without their private part, and finds the chain whole', () => {
    mirror.head(device.head())
    const events = [write(), write(), write()]
    tell()
    expect(mirror.head(device.head())).toBe(true)
    expect(mirror.activity()).toEqual({ events, verified: true })
    mirror.end()
    const stored = [...own.read({ requestId })]
    expect(stored.map(({ event }) => event)).toEqual(events)
    expect(JSON.stringify(stored)).not.toContain('/log.txt')
  })

  test('follows the chain across other sessions’ lines, and keeps none of them', () => {
    mirror.head(device.head())
    write()
    write(other)
    write()
    tell()
    expect([mirror.activity().verified, seen.length]).toEqual([true, 2])
    expect([...own.read({ requestId: other })]).toEqual([])
  })

  const tricks: [string, (from: AuditLink[]) => AuditLink[]][] = [
    ['a line left out', ([a, , c]) => [a, c] as AuditLink[]],
    ['two lines swapped', ([a, b, c]) => [b, a, c] as AuditLink[]],
    ['an event edited', ([a, b, c]) => [a, { ...b, event: b?.event && { ...b.event, data: { bytes: 6 } } }, c] as AuditLink[]],
    ['an event taken out of its line', ([a, b, c]) => [a, { ...b, event: null, hash: a?.hash }, c] as AuditLink[]],
    ['a beginning left out', ([, b, c]) => [b, c] as AuditLink[]],
  ]
  test.each(tricks)('shows %s', (_, trick) => {
    mirror.head(device.head())
    for (let count = 0; count < 3; count++) write()
    for (const link of trick(links)) mirror.link(link)
    expect(mirror.activity().verified).toBe(false)
  })

  test('shows a cut end: the last head covers more than was told', () => {
    mirror.head(device.head())
    write()
    tell()
    write()
    expect(mirror.head(device.head())).toBe(true)
    expect(mirror.activity().verified).toBe(true)
    mirror.end()
    expect(mirror.activity().verified).toBe(false)
  })

  test('is whole at its end when all that the last head covers was told', () => {
    mirror.head(device.head())
    write()
    tell()
    mirror.head(device.head())
    mirror.end()
    expect(mirror.activity().verified).toBe(true)
  })

  test('takes no head under another key', () => {
    expect(mirror.head(own.head())).toBe(false)
    expect(mirror.activity().verified).toBe(false)
  })

  test('counts the main server’s copy of an event once, and shows where it differs', () => {
    mirror.head(device.head())
    const event = write()
    tell()
    mirror.fromServer(event)
    expect([seen.length, mirror.activity().verified]).toEqual([1, true])
    mirror.fromServer({ ...event, data: { bytes: 7 } })
    expect(mirror.activity().verified).toBe(false)
  })

  test('takes the members of an event in any order: it is the same event', () => {
    const event = device.append({ kind: 'session.probed', actor: { kind: 'agent' }, requestId, data: { tried: 24, blocked: 24 } })
    tell()
    mirror.fromServer({ ...event, data: { blocked: 24, tried: 24 } })
    expect(mirror.activity()).toMatchObject({ events: [{ id: event.id }], verified: true })
  })

  test('says when the own log cannot be written: no audit, no session', () => {
    const full = { appendAllForeign: () => own.appendAllForeign([{ id: 'not an event' } as never]) }
    mirror = createSessionMirror({ requestId, log: full, onEvent: () => undefined, onUnwritable: (error) => unwritable.push(error) })
    write()
    tell()
    mirror.end()
    expect(unwritable).toEqual([expect.objectContaining({ code: 'audit.unavailable' })])
  })
})
