import { PassThrough } from 'node:stream'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { session } from '../test/window/support/fixtures.ts'
import { createConsole } from './console.ts'
import { createNetworkLines, type NetworkLines } from './network.ts'

let said: () => string
let lines: NetworkLines
beforeEach(() => {
  vi.useFakeTimers()
  const stderr = new PassThrough()
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr, env: {} }
  lines = createNetworkLines(createConsole(io, { language: 'en', json: false }))
  said = () => String(stderr.read() ?? '')
})
afterEach(() => {
  lines.close()
  vi.useRealTimers()
})

const broken: SessionView['network'] = {
  ...{ state: 'interrupted', standby: false, sinceMs: 0 },
  failure: { code: 'server.unreachable', details: { host: 'north-2', port: 443, hop: 'tcp', reason: 'ECONNREFUSED' } },
}

describe('what a command says of the network', () => {
  test('nothing while all is well, one line for another server', () => {
    lines.show(session)
    lines.show(session)
    expect(said()).toBe('')
    lines.show({ ...session, accessServer: { name: 'South 1', site: 'south' } })
    expect(said()).toBe('The session goes on through South 1, south.\n')
  })

  test('a break that lasts, with the hop that fails, and its end; a short one is not told', () => {
    lines.show(session)
    lines.show({ ...session, network: broken })
    vi.advanceTimersByTime(1_000)
    lines.show(session)
    expect(said()).toBe('')
    lines.show({ ...session, network: broken })
    vi.advanceTimersByTime(1_500)
    expect(said()).toMatch(/^The connection to the device is interrupted\. north-2 .* The session waits for it; what you type is kept\.\n$/)
    lines.show(session)
    expect(said()).toBe('The session goes on through North 2, north.\n')
  })
})
