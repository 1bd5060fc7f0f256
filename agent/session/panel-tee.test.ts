import { describe, expect, test } from 'vitest'
import type { RequestId } from '../../shared/ids.ts'
import { type AgentToPanel, agentToPanel } from '../../shared/panel.ts'
import { createPanelTee } from './panel-tee.ts'

const requestId = 'req_aaaaaaaaaaaa' as RequestId

describe('the terminal on the panel', () => {
  const start = () => {
    const told: AgentToPanel[] = []
    const tee = createPanelTee({ requestId, tellPanel: (message) => void told.push(message) })
    const text = () => told.map((message) => (message.type === 'session.output' ? Buffer.from(message.data, 'base64').toString() : '')).join('')
    return { told, tee, text }
  }

  test('shows every octet of what a person can follow, terminal by terminal', () => {
    const { told, tee } = start()
    const [one, two] = [tee.openTerminal(), tee.openTerminal()]
    one(Buffer.from('a'))
    two(Buffer.from('b'))
    one(Buffer.from('c'))
    tee.close()
    expect(told.map((message) => message.type === 'session.output' && [message.terminal, Buffer.from(message.data, 'base64').toString()])).toEqual([
      [1, 'ac'],
      [2, 'b'],
    ])
  })

  test('of a flood shows the end, with a mark where octets are missing, and stays under the panel’s line', () => {
    const { told, tee, text } = start()
    const show = tee.openTerminal()
    for (let count = 0; count < 10_000; count += 1) show(Buffer.alloc(1_000, 97))
    show(Buffer.from('the end'))
    tee.close()
    expect(text().startsWith('\r\n[…]\r\n')).toBe(true)
    expect(text().endsWith('the end')).toBe(true)
    for (const message of told) {
      expect(agentToPanel.safeParse(message).success).toBe(true)
      expect(JSON.stringify(message).length).toBeLessThan(65_536)
    }
  })

  test('one chunk larger than a message is cut to its end', () => {
    const { tee, text } = start()
    tee.openTerminal()(Buffer.from(`${'x'.repeat(1_000_000)}tail`))
    tee.close()
    expect(text().length).toBeLessThan(40_000)
    expect(text().endsWith('tail')).toBe(true)
  })
})
