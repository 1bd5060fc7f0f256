import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { NewAuditEvent } from '../shared/audit.ts'
import { defaultPolicy } from '../shared/device-policy.ts'
import type { PanelToAgent } from '../shared/panel.ts'
import { createPolicySwitch, lostSwitch, SwitchState, switchedOn } from './access/policy-switch.ts'
import { attachPanelSwitch } from './panel-policy.ts'
import { openStateFile } from './state-file.ts'

let folder: string
let events: NewAuditEvent[]
let press: (message: PanelToAgent) => void
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'switch-'))
  events = []
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** As the agent opens it at its start. */
function open() {
  const file = { path: join(folder, 'switch.json'), schema: SwitchState, initial: switchedOn, afterLoss: lostSwitch, onLost: () => {} }
  const policySwitch = createPolicySwitch(openStateFile(file))
  const panel = {
    onPress(listener: typeof press) {
      press = listener
      return () => {}
    },
  }
  attachPanelSwitch({ panel, policySwitch, audit: (event) => events.push(event), onChange: () => {} })
  return policySwitch
}

describe('the off switch at the panel (R008, R047)', () => {
  test('takes away and gives back, over a restart, never more than the owner signed', () => {
    expect(open().narrow(defaultPolicy).connectivity).toBe('on')
    press({ type: 'service.switch', on: false })
    press({ type: 'service.switch', on: false })
    const again = open()
    expect(again.narrow(defaultPolicy).connectivity).toBe('off')
    press({ type: 'service.switch', on: true })
    expect(again.narrow(defaultPolicy)).toEqual(defaultPolicy)
    expect(again.narrow({ ...defaultPolicy, connectivity: 'off' }).connectivity).toBe('off')
    expect(events.map(({ kind, actor, data }) => [kind, actor.kind, data?.on])).toEqual([
      ['device.switched', 'person', false],
      ['device.switched', 'person', true],
    ])
  })

  test('turns off at once also where that cannot be stored, and does not turn on then', () => {
    const policySwitch = open()
    rmSync(join(folder, 'switch.json'))
    mkdirSync(join(folder, 'switch.json/in-the-way'), { recursive: true })
    press({ type: 'service.switch', on: false })
    expect(policySwitch.isOff()).toBe(true)
    press({ type: 'service.switch', on: true })
    expect(policySwitch.isOff()).toBe(true)
    expect(events.map(({ data }) => data)).toEqual([
      { on: false, stored: false },
      { on: false, stored: false },
    ])
  })

  test('whose memory is garbage is off: one press at the panel turns it on', () => {
    open()
    rmSync(join(folder, 'switch.json'))
    mkdirSync(join(folder, 'switch.json'))
    expect(open().isOff()).toBe(true)
  })
})
