import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EndCause } from '@gantry/shared/access-request.ts'
import { readLines } from '@gantry/shared/node/lines.ts'
import { matchingCode } from '@gantry/shared/node/matching-code.ts'
import { readUnverified } from '@gantry/shared/node/signing.ts'
import { type PanelRequest, PanelScreen, type PanelState } from '@gantry/shared/panel.ts'
import { AnswerPayload, type CompactJws, type Hash, type RequestPayload } from '@gantry/shared/ticket.ts'
import { startAgent } from '../../../agent/app.ts'
import { realClock } from '../../../agent/clock.ts'
import { silentLog } from '../../../agent/log.ts'
import { Config as PanelConfig } from '../../../agent/panel/config.ts'
import { startPanel } from '../../../agent/panel/panel.ts'
import type { OpenSession } from '../../../agent/session/open-session.ts'
import { createDeviceFolder } from '../../support/device.ts'
import type { TestServer } from '../../support/main-server.ts'

/** A real agent and a real panel, on one main server; what opens is noted in place of a session. */
export type WatchedDevice = {
  /** Called in the moment in which the request first stands on the screen. Returns what ends that. */
  onRing(requestId: string, rang: () => void): () => void
  rang(requestId: string): boolean
  /** As the screen shows it. */
  question(requestId: string): Promise<PanelRequest>
  press(requestId: string, allow: boolean): void
  opened(requestId: string): boolean
  /** As the specialist's side works it out. */
  codeOf(asked: { ticket: CompactJws; payload: RequestPayload; nonce: Hash; answers: CompactJws[] }): string
  setPolicy(policy: Record<string, unknown>): Promise<void>
  close(): Promise<void>
}
type With = { server: TestServer; secret: string; policy: Record<string, unknown> }

const lookMs = 100
const always = { instantPickup: true, requestsPerHour: 1_000, rules: { diagnostics: 'deny', files: 'ask', application: 'deny', os: 'deny' } }

export async function openWatchedDevice({ server, secret, policy }: With): Promise<WatchedDevice> {
  const { origin, agentOrigin, ca, authority } = server
  const folder = createDeviceFolder({ origin, ca, secret, authorityKey: authority.publicJwk })
  folder.config.mainServers = [{ enrolOrigin: origin, agentOrigin }]
  folder.writePolicy({ ...always, ...policy })
  const stopping = new AbortController()
  const screen = { input: new PassThrough(), output: new PassThrough() }
  await startPanel({ config: PanelConfig.parse({ socket: folder.config.panelSocket }), screen, log: silentLog, signal: stopping.signal })
  const seen = new Map<string, PanelRequest>()
  const rings = new Map<string, () => void>()
  void watchScreen(screen.output, ({ waiting }) => {
    for (const request of waiting) {
      if (!seen.has(request.requestId)) rings.get(request.requestId)?.()
      seen.set(request.requestId, request)
    }
  })
  const opened = new Set<string>()
  const agent = await startAgent(folder.config, {
    ...{ log: silentLog, policyLookMs: lookMs, timing: { intervalMs: lookMs, holdMs: 5_000 } },
    clock: { ...realClock, now: server.now },
    openSession: (session) => noteSession(session, opened),
  })
  await agent.polled
  return {
    onRing(requestId, rang) {
      rings.set(requestId, rang)
      return () => void rings.delete(requestId)
    },
    rang: (requestId) => seen.has(requestId),
    async question(requestId) {
      for (const end = performance.now() + 30_000; performance.now() < end; await sleep(20)) {
        const request = seen.get(requestId)
        if (request) return request
      }
      throw new Error('the panel did not ring')
    },
    press: (requestId, allow) => void screen.input.write(`${JSON.stringify({ type: 'answer', requestId, allow, code: null })}\n`),
    opened: (requestId) => opened.has(requestId),
    codeOf({ ticket, payload, nonce, answers }) {
      for (const jws of answers) {
        const { answer } = readUnverified(jws, AnswerPayload, 'device.answer-bad')
        if (answer.kind === 'picked-up') return matchingCode({ ticket, sessionKey: payload.sessionKey, hostKey: answer.hostKey, c: nonce, d: answer.draw })
      }
      throw new Error('it was not picked up')
    },
    async setPolicy(next) {
      folder.writePolicy({ ...always, ...next })
      await sleep(10 * lookMs)
    },
    async close() {
      await agent.stop()
      stopping.abort()
      folder.remove()
    },
  }
}

async function watchScreen(output: PassThrough, show: (state: PanelState) => void): Promise<void> {
  for await (const line of readLines(output, { maxBytes: 4_194_304 })) {
    const shown = PanelScreen.parse(JSON.parse(line.toString()))
    if (shown.type === 'state') show(shown.state)
  }
}

/** It opens, says so, and ends when it is told to. */
function noteSession({ grant, tools, signal }: OpenSession, opened: Set<string>): Promise<EndCause> {
  const { id: requestId } = grant.request
  opened.add(requestId)
  tools.audit({ kind: 'session.opened', actor: { kind: 'agent' }, requestId })
  const { promise, resolve } = Promise.withResolvers<EndCause>()
  const end = () => {
    const cause = signal.reason as EndCause
    tools.audit({ kind: 'session.ended', actor: { kind: 'agent' }, requestId, cause })
    resolve(cause)
  }
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  return promise
}
