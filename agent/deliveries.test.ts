import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Delivery } from '../shared/agent-api.ts'
import { newId } from '../shared/ids.ts'
import { createInbox, emptyInbox, InboxState } from './deliveries.ts'
import { memoryState, openStateFile } from './state-file.ts'

const cancel = (): Delivery => ({ id: newId('dlv'), kind: 'cancel', requestId: newId('req') })

describe('deliveries', () => {
  test('are on the disk before anybody acts, and still there after a crash (R052)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'inbox-'))
    const open = () => createInbox(openStateFile({ path: join(folder, 'inbox.json'), schema: InboxState, initial: emptyInbox, onLost: () => {} }))
    const [first, second] = [cancel(), cancel()]
    const before = open()
    expect(before.receive([first, second])).toBe(2)
    before.handled(first.id)
    const after = open()
    expect(after.waiting()).toEqual([second])
    expect(after.toName()).toEqual([first.id])
    expect(after.receive([first, second])).toBe(0)
    rmSync(folder, { recursive: true, force: true })
  })

  test('are named until a poll that named them was answered, and again when they come again', () => {
    const inbox = createInbox(memoryState(emptyInbox()))
    const one = cancel()
    inbox.receive([one])
    expect(inbox.toName()).toEqual([])
    inbox.handled(one.id)
    expect(inbox.toName()).toEqual([one.id])
    inbox.named([one.id])
    expect(inbox.toName()).toEqual([])
    expect(inbox.receive([one])).toBe(0)
    expect(inbox.toName()).toEqual([one.id])
    expect(inbox.waiting()).toEqual([])
  })

  test('are acted upon exactly once, in order, whatever is lost, repeated or cut by a crash', () => {
    const step = fc.oneof(fc.constant('new'), fc.constant('poll'), fc.constant('answer lost'), fc.constant('act'), fc.constant('crash'))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const disk = memoryState(emptyInbox())
        const all: Delivery[] = []
        const open = new Set<Delivery>()
        const acted: string[] = []
        let inbox = createInbox(disk)
        for (const name of steps) {
          if (name === 'new') {
            const one = cancel()
            all.push(one)
            open.add(one)
          }
          if (name === 'poll' || name === 'answer lost') {
            const named = inbox.toName()
            for (const one of [...open]) if (named.includes(one.id)) open.delete(one)
            if (name === 'poll') {
              inbox.named(named)
              inbox.receive([...open])
            }
          }
          if (name === 'act') {
            for (const one of inbox.waiting()) {
              acted.push(one.id)
              inbox.handled(one.id)
            }
          }
          if (name === 'crash') inbox = createInbox(disk)
        }
        expect(new Set(acted).size).toBe(acted.length)
        expect(acted).toEqual(all.map((one) => one.id).slice(0, acted.length))
      }),
    )
  })

  test('that are too many stay with the main server', () => {
    const inbox = createInbox(memoryState(emptyInbox()))
    const many = Array.from({ length: 600 }, cancel)
    expect(inbox.receive(many)).toBe(400)
    for (const one of inbox.waiting()) inbox.handled(one.id)
    expect(inbox.receive(many)).toBe(200)
    expect(inbox.toName().length).toBeLessThanOrEqual(500)
  })
})
