import { createRequestMemory, newMemory } from '../../agent/access/memory.ts'
import { createAccessRequests } from '../../agent/access/requests.ts'
import { proveSignatures } from '../../agent/access/signatures.ts'
import { hostKeyText } from '../../agent/identity.ts'
import { silentLog } from '../../agent/log.ts'
import type { PanelLink } from '../../agent/panel-link.ts'
import type { Grant } from '../../agent/session/grant.ts'
import { memoryState } from '../../agent/state-file.ts'
import type { EndCause } from '../../shared/access-request.ts'
import type { NewAuditEvent } from '../../shared/audit.ts'
import { Policy } from '../../shared/device-policy.ts'
import { AppError } from '../../shared/errors.ts'
import { newId } from '../../shared/ids.ts'
import { matchingCode } from '../../shared/node/matching-code.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import type { AgentToPanel, PanelRequest, PanelToAgent } from '../../shared/panel.ts'
import type { LevelRule } from '../../shared/profile.ts'
import type { AnswerPayload, RosterPayload } from '../../shared/ticket.ts'
import { createManualClock, type ManualClock } from './clock.ts'
import { type Asked, createPeople, type Device } from './people.ts'

/** A device's handling of access requests with all that stands around it, in memory and with a clock that stands still. Everything signed is signed for real. */
export const now = 1_800_000_000
export const hostKey = hostKeyText(generateSigningKey().publicJwk)
export const deviceSigner = generateSigningKey()
const device: Device = { deviceId: newId('dev'), deviceKey: deviceSigner.publicJwk }
export const people = createPeople(now)
/** What the device pinned. */
export const trust = { ticketKeys: () => [people.ticketKey.publicJwk], authorityKeys: () => [people.authority.publicJwk], ...device }

const roster = async (change: Partial<RosterPayload>) => (await people.roster(change)).payload
export const rosters = {
  good: await roster({}),
  expired: await roster({ issuedAt: now - 9_000, expiresAt: now - 1_000 }),
  without: await roster({ specialists: [] }),
}

export type Case = Asked & { valid: boolean }
export async function makeCase(valid: boolean, change: Parameters<typeof people.request>[1] = {}): Promise<Case> {
  return { ...(await people.request(device, change)), valid }
}

/** The real check, which depends on nothing but its arguments, remembered: 10,000 runs ask it the same few things. */
const proofs = new Map<string, ReturnType<typeof proveSignatures>>()
const proveOnce: typeof proveSignatures = (delivery, trust, atSeconds) => {
  const key = `${delivery.ticket} ${atSeconds}`
  const known = proofs.get(key) ?? proveSignatures(delivery, trust, atSeconds)
  proofs.set(key, known)
  return known
}

/** One run: the device with its disk, and what stands around it. */
export class World {
  readonly disk = memoryState(newMemory())
  readonly opened: string[] = []
  readonly events: NewAuditEvent[] = []
  readonly draws = new Map<string, AnswerPayload['answer']>()
  readonly answers: ({ requestId: string } & AnswerPayload['answer'])[] = []
  readonly sessions: { requestId: string; grant: Grant; signal: AbortSignal; end(cause: EndCause): void; fail(error: unknown): void }[] = []
  readonly clock: ManualClock = createManualClock(now * 1_000)
  policy = Policy.parse({ version: 1, requestsPerHour: 20 })
  roster: RosterPayload | null = rosters.good
  auditWorks = true
  /** Of what it writes: after so many more the device is dead, in the middle of whatever it did. */
  writesLeft = Number.POSITIVE_INFINITY
  prove: typeof proveSignatures = proveOnce
  clockOff = 0
  /** Of the second key; nothing lies there unless a test says so. */
  approvals = '/nonexistent/approvals'
  panelThere = true
  shown = new Map<string, PanelRequest>()
  listeners = new Set<(message: PanelToAgent) => void>()
  requests = this.start()

  /** A crash: the old device never runs on, and the new one knows the disk alone. */
  start() {
    const generation = { clock: this.clock, shown: this.shown, listeners: this.listeners }
    const alive = () => generation.shown === this.shown
    /** What a dead device would write, it does not. */
    const write = (act: () => void) => {
      if (!alive()) throw new Error('crashed')
      act()
      this.writesLeft -= 1
      if (this.writesLeft > 0) return
      this.shown = new Map()
      throw new Error('crashed')
    }
    const { disk } = this
    const file: typeof disk = {
      get value() {
        return disk.value
      },
      save: (next) => write(() => disk.save(next)),
    }
    const tell = (message: AgentToPanel) => {
      if (message.type === 'request.asked') generation.shown.set(message.request.requestId, message.request)
      if (message.type === 'request.closed') generation.shown.delete(message.requestId)
    }
    const panel: PanelLink = {
      connected: () => this.panelThere,
      waitConnected: async (ms, signal) => {
        if (!this.panelThere) await generation.clock.sleep(ms, signal)
        return this.panelThere
      },
      tell,
      onPress(listener) {
        generation.listeners.add(listener)
        return () => generation.listeners.delete(listener)
      },
    }
    return createAccessRequests({
      trust,
      hostKey,
      memory: createRequestMemory(file),
      roster: () => this.roster,
      policy: () => this.policy,
      policyFault: () => null,
      clockOffSeconds: () => this.clockOff,
      mayReach: () => true,
      whyNotCovered: () => null,
      panel,
      approvals: this.approvals,
      answer: async (head, answer) => {
        if (!alive()) return
        this.answers.push({ requestId: head.requestId, ...answer })
        if (answer.kind === 'picked-up') this.draws.set(head.requestId, answer)
      },
      audit: (event) => {
        if (!this.auditWorks) throw new AppError('audit.unavailable')
        write(() => void this.events.push(event))
      },
      sessionTold: (requestId) => {
        const last = this.events.findLast((event) => event.requestId === requestId && event.kind.startsWith('session.'))?.kind
        return last === undefined ? null : last === 'session.opened' ? 'opened' : 'ended'
      },
      openSession: (grant, signal) => {
        if (alive()) this.opened.push(grant.request.id)
        const { promise, resolve, reject } = Promise.withResolvers<EndCause>()
        signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
        this.sessions.push({ requestId: grant.request.id, grant, signal, end: resolve, fail: reject })
        return promise
      },
      onBusy: () => {},
      clock: generation.clock,
      log: silentLog,
      prove: (...asked) => this.prove(...asked),
    })
  }

  get dead(): boolean {
    return this.writesLeft <= 0
  }

  async crash(): Promise<void> {
    const nowMs = this.clock.now()
    this.shown = new Map()
    this.listeners = new Set()
    this.writesLeft = Number.POSITIVE_INFINITY
    // Timers of the dead device stay where they are.
    Object.assign(this, { clock: createManualClock(nowMs) })
    this.requests = this.start()
    await this.requests.recover()
  }

  rule(one: Case): LevelRule {
    return this.policy.rules[one.request.access]
  }

  /** All but the person's yes. */
  mayPickUp(one: Case): boolean {
    const fresh = this.roster === rosters.good || (this.roster === rosters.expired && one.request.access === 'diagnostics')
    const inTime = this.clock.now() / 1_000 <= now + 300 + 125
    const { connectivity, countries } = this.policy
    const allowed = connectivity === 'on' && this.rule(one) !== 'deny' && (countries === null || countries.includes(people.person.country))
    return one.valid && fresh && inTime && allowed && this.auditWorks && !this.opened.includes(one.request.id)
  }

  code(one: Case): string {
    const draw = this.draws.get(one.request.id)
    if (draw?.kind !== 'picked-up') return 'none'
    const { ticket } = one.delivery
    return matchingCode({ ticket, sessionKey: one.request.sessionKey, hostKey, c: one.nonce, d: draw.draw })
  }
}
