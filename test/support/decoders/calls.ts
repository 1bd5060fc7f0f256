import { agentApi } from '../../../shared/agent-api.ts'
import { clientApi } from '../../../shared/client-api.ts'
import { type Contract, type Handlers, type Serve, serve } from '../../../shared/contract.ts'
import { AppError, fromFailure } from '../../../shared/errors.ts'
import { newId } from '../../../shared/ids.ts'
import { calls } from '../../../shared/ipc.ts'
import { createLineClient, serveLines } from '../../../shared/node/lines.ts'
import { maxSessionLineBytes, sessionCalls } from '../../../shared/session-api.ts'
import { plainPoll } from '../test-agent.ts'
import { wire } from '../wire.ts'
import type { Decoder, Example } from './decoder.ts'

const requestId = newId('req')
const example = (kind: string, name: string, input: unknown): Example => ({ kind, bytes: Buffer.from(JSON.stringify({ name, input })) })

/** What the window asks the main process, and what devices and desktop clients ask the main server, with handlers that do nothing. */
export function openCalls(): Decoder {
  const contracts: Record<string, Contract> = { window: calls, client: clientApi, agent: agentApi }
  const put = { requestId, direction: 'put', from: ['/tmp/a', '/tmp/b'], to: '/data', replace: false }
  return {
    examples: [
      example('window', 'terminal.open', { requestId, columns: 80, rows: 24 }),
      example('window', 'terminal.write', { terminalId: 'term-1', data: 'uptime\r' }),
      ...[put, { ...put, direction: 'get' }].map((input) => example('window', 'transfer.start', input)),
      example('window', 'action.run', { requestId, action: 'service.restart', input: { service: 'acquisition' } }),
      example('window', 'settings.change', { language: 'fr', lockMinutes: 5, snippets: ['tail -n {{lines}} log'], layout: { left: 0.4 } }),
      example('client', 'device.list', {}),
      example('agent', 'device.poll', plainPoll(1_800_000_000_000)),
      example('agent', 'device.renew', { certificateRequest: 'PEM' }),
    ],
    async decode(bytes, kind) {
      const { name, input } = callOf(bytes)
      const contract = contracts[kind]
      if (!contract) throw new Error(`no contract ${kind}`)
      await answered(idle(contract), name, input)
      return 'accepted'
    },
  }
}

/** What runs as lines of JSON on a session's channel: calls at the device, answers and events at the desktop client. */
export function openSessionLines(): Decoder {
  const answers = [
    { id: 1, result: { ok: true, value: { endsAt: 1_800_000_000_000 } } },
    { id: 1, result: { ok: false, failure: { code: 'access.refused', details: { seconds: 3 } } } },
    { event: 'session.ending', payload: { seconds: 60 } },
  ]
  const call = { id: 1, name: 'time.ask', input: { minutes: 15 } }
  const line = (value: unknown) => Buffer.from(`${JSON.stringify(value)}\n`)
  return {
    examples: [{ kind: 'calls', bytes: line(call) }, ...answers.map((answer) => ({ kind: 'answers', bytes: line(answer) }))],
    async decode(bytes, kind) {
      const [near, far] = wire()
      far.on('error', () => undefined).resume()
      try {
        if (kind === 'calls') {
          far.end(bytes)
          await serveLines(near, idle(sessionCalls), undefined, { maxBytes: maxSessionLineBytes })
        } else {
          const client = createLineClient(sessionCalls, near, { maxBytes: maxSessionLineBytes })
          const asked = client.call('time.ask', { minutes: 15 })
          far.end(bytes)
          await asked
        }
      } finally {
        near.destroy()
      }
      return 'accepted'
    },
  }
}

function idle(contract: Contract): Serve<undefined> {
  const handlers: Handlers<Contract, undefined> = Object.fromEntries(Object.keys(contract).map((name) => [name, () => ({})]))
  return serve(contract, handlers, () => undefined)
}

/** The failure as whoever asked has it: a defect is `internal`. */
async function answered(ask: Serve<undefined>, name: string, input: unknown): Promise<void> {
  const result = await ask(name, input, undefined)
  if (!result.ok) throw fromFailure(result.failure)
}

/** A name that is no text never comes so far. */
function callOf(bytes: Buffer): { name: string; input: unknown } {
  try {
    const { name, input } = JSON.parse(bytes.toString('utf8'))
    return { name: String(name), input }
  } catch (error) {
    throw new AppError('contract.bad-input', { cause: error })
  }
}
