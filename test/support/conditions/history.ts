import { proveSignatures } from '../../../agent/access/signatures.ts'
import { createInbox, emptyInbox } from '../../../agent/deliveries.ts'
import { judgeChannel } from '../../../agent/session/channel-rules.ts'
import { memoryState } from '../../../agent/state-file.ts'
import type { Delivery } from '../../../shared/agent-api.ts'
import type { AuditEvent } from '../../../shared/audit.ts'
import { type EventId, newId, type RequestId } from '../../../shared/ids.ts'
import { matchingCode } from '../../../shared/node/matching-code.ts'
import { newNonce, readUnverified, sha256, signJws } from '../../../shared/node/signing.ts'
import { type AnswerPayload, type CompactJws, type Hash, type Side, TicketPayload } from '../../../shared/ticket.ts'
import { deviceSigner, hostKey, people, rosters, World } from '../access-world.ts'
import { AccessDesk, type Opened, type SshKey, type WrongWay } from './access-desk.ts'
import { Breach, type Condition, conditions, letRefusalsPass, openPolicy } from './conditions.ts'
import { deviceId, type Facts, goodFacts, type MainDesk, otherPerson } from './main-desk.ts'
import { type AskedFor, type Kind, requestOf } from './requests.ts'

type Asked = AskedFor & { ticket: CompactJws | null; met: Set<Condition>; revealed: boolean; withdrawn: boolean }
type Message = { what: string; take(): Promise<void> }

const mfaMs = 15 * 60_000

/**
 * One history: a specialist's workstation, a main server with an access server, and a device, each real but for its sockets, and a network that loses, doubles and
 * reorders what they say. Beside them it notes which conditions somebody outside saw hold, and throws when a shell opens without one.
 */
export class History {
  readonly device = new World()
  readonly asked: Asked[] = []
  readonly net: Message[] = []
  readonly shells: RequestId[] = []
  facts: Facts = goodFacts
  mfaAtMs: number
  private readonly desk: MainDesk
  private readonly inboxFile = memoryState(emptyInbox())
  private inbox = createInbox(this.inboxFile)
  private run = newNonce()
  private waitsFor: object | null = null
  /** Answers that the main server has taken. */
  private posted = new Set<object>()
  private heardMs = 0
  private access = new AccessDesk({
    sessionUnder: (ticketId) => this.device.sessions.findLast(({ grant, signal }) => grant.ticket.id === ticketId && !signal.aborted),
    onJoined: ({ grant }) => this.tell('session.opened', grant.request.id),
  })

  constructor(desk: MainDesk) {
    this.desk = desk
    this.device.prove = proveSignatures
    this.device.policy = openPolicy
    this.mfaAtMs = this.nowMs - 2 * mfaMs
  }

  get nowMs(): number {
    return this.device.clock.now()
  }

  /** Between steps: what died in the last one starts again from what is stored. */
  async settle(): Promise<void> {
    await this.device.clock.advance(0)
    if (this.device.dead) await this.crashDevice()
    if (this.desk.dead()) await this.desk.restart()
  }

  close(): void {
    this.access.leave()
  }

  signIn(minutesAgo: number): void {
    this.mfaAtMs = this.nowMs - minutesAgo * 60_000
  }

  async ask(kind: Kind): Promise<void> {
    const one = await requestOf(kind, { nowMs: this.nowMs, place: this.asked.length })
    const asked: Asked = { ...one, ticket: null, met: new Set(), revealed: false, withdrawn: false }
    this.asked.push(asked)
    const mfaAtMs = this.mfaAtMs
    const who = kind === 'for somebody else' ? otherPerson : people.person.specialistId
    this.send(`create ${asked.request.id}`, async () => {
      const { person, device, level, trained, connected, caseOpen, signInWhole, entitled } = this.facts
      if (this.nowMs - mfaAtMs <= mfaMs) asked.met.add('a second factor within 15 minutes')
      if (entitled) asked.met.add('an entitlement')
      if (person && device && level && trained && connected && caseOpen && signInWhole && kind !== 'for somebody else')
        asked.met.add('the main server’s policy')
      const input = { request: one.delivery.request, certificate: one.delivery.certificate }
      const { request } = await this.desk.client['access-request.create'](input, this.desk.caller(mfaAtMs, who))
      asked.ticket = request.ticket
    })
  }

  reveal(asked: Asked, nonce: Hash): void {
    const requestId = asked.request.id
    this.send(`reveal ${requestId}`, async () => void (await this.desk.client['access-request.reveal']({ requestId, nonce }, this.desk.caller(this.mfaAtMs))))
  }

  cancel({ request }: Asked): void {
    this.send(
      `cancel ${request.id}`,
      async () => void (await this.desk.client['access-request.cancel']({ requestId: request.id }, this.desk.caller(this.mfaAtMs))),
    )
  }

  async admit({ ticket, ...asked }: Asked, side: Side, wrong: WrongWay = null): Promise<void> {
    if (!ticket || (side === 'agent' && wrong === null && !this.sessionOf(asked))) return
    await this.access.admit({ ticket, side, wrong, nowMs: this.nowMs })
  }

  /** On the joined leg, the keys in this order. */
  offer(keys: readonly SshKey[]): void {
    const opened = this.access.offer(keys)
    if (opened) this.openShell(opened)
  }

  send(what: string, take: () => Promise<void>): void {
    this.net.push({ what, take })
  }

  /** Two at once meet in the same moment. */
  async deliver(places: readonly number[], again: boolean): Promise<void> {
    const messages = new Set(places.flatMap((place) => this.net[place % Math.max(1, this.net.length)] ?? []))
    if (!again) for (const message of messages) this.net.splice(this.net.indexOf(message), 1)
    await Promise.all([...messages].map((message) => message.take().catch(letRefusalsPass)))
  }

  poll(): void {
    const asking = {}
    this.waitsFor = asking
    const handled = this.inbox.toName()
    const { run } = this
    const said = { run, handled, rules: this.device.policy.rules, clockMs: this.nowMs + this.device.clockOff * 1_000 }
    this.send('poll', async () => {
      this.heardMs = this.nowMs
      const { deliveries } = await this.desk.poll(said)
      this.send('poll’s answer', async () => {
        // Of a poll that was given up nobody reads the answer.
        if (this.waitsFor !== asking) return
        this.waitsFor = null
        this.inbox.named(handled)
        this.inbox.receive(deliveries)
        await this.actOnWaiting()
      })
    })
  }

  /** The oldest answer that the main server has not taken. */
  post(): void {
    const answer = this.device.answers.find((one) => !this.posted.has(one))
    if (!answer) return
    const { requestId: _, ...said } = answer
    const { ticket, request } = this.asked.find((one) => one.request.id === answer.requestId) ?? {}
    if (!ticket || !request) return void this.posted.add(answer)
    const { id: ticketId } = readUnverified(ticket, TicketPayload, 'ticket.bad')
    const payload = { version: 1 as const, requestId: request.id, ticketId, ticketHash: sha256(ticket), deviceId }
    this.send(`answer ${said.kind}`, async () => {
      this.posted.add(answer)
      await this.desk.answer(await signJws('answer', { ...payload, at: Math.floor(this.nowMs / 1_000), answer: said } satisfies AnswerPayload, deviceSigner))
    })
  }

  hasToPost(): boolean {
    return this.device.answers.some((one) => !this.posted.has(one))
  }

  press(asked: Asked, allow: boolean, typed: 'right' | 'wrong' | 'nothing'): void {
    const { device } = this
    const shown = device.shown.get(asked.request.id)
    const code = typed === 'nothing' ? null : typed === 'right' ? this.codeFor(asked) : '999 999'
    const compared = typed === 'nothing' && shown?.code !== null && shown?.code === this.codeFor(asked)
    if (shown && device.panelThere && device.auditWorks && this.nowMs <= shown.answerBeforeMs && (typed === 'right' || compared)) {
      asked.met.add('somebody at the device')
      if (allow) asked.met.add('that person’s yes')
    }
    if (device.panelThere) for (const listener of [...device.listeners]) listener({ type: 'request.answered', requestId: asked.request.id, allow, code })
  }

  end({ request }: Asked): void {
    if (this.device.panelThere) for (const listener of [...this.device.listeners]) listener({ type: 'session.end', requestId: request.id })
  }

  change(part: Partial<Pick<World, 'policy' | 'roster' | 'auditWorks' | 'panelThere' | 'clockOff'>>): void {
    Object.assign(this.device, part)
    if (part.policy) this.device.requests.enforce(part.policy)
  }

  async crashDevice(): Promise<void> {
    this.waitsFor = null
    this.run = newNonce()
    this.inbox = createInbox(this.inboxFile)
    this.access.leave()
    this.device.sessions.length = 0
    await this.device.crash()
    await this.actOnWaiting()
  }

  dieAfter(writes: number): Promise<void> | void {
    if (writes === 0) return this.crashDevice()
    this.device.writesLeft = writes
  }

  crashAccessServer(): void {
    this.access.restart()
  }

  async set(part: Partial<Facts>): Promise<void> {
    this.facts = { ...this.facts, ...part }
    await this.desk.set(this.facts)
  }

  crashMain(afterWrites: number): Promise<void> | void {
    if (afterWrites > 0) return this.desk.die(afterWrites)
    return this.desk.restart()
  }

  async wait(seconds: number): Promise<void> {
    await this.device.clock.advance(seconds * 1_000)
    this.device.requests.enforce(this.device.policy)
    await this.desk.look().catch(() => undefined)
  }

  /** Whether the main server has heard of the device within the minute. */
  get heard(): boolean {
    return this.nowMs - this.heardMs < 60_000
  }

  /** The device’s answer as the client gets it, which the code is made of. */
  hasDrawn({ request }: Asked): boolean {
    return this.device.draws.has(request.id)
  }

  sessionOf({ request }: Pick<Asked, 'request'>) {
    const session = this.device.sessions.findLast(({ requestId }) => requestId === request.id)
    return session && !session.signal.aborted ? session : undefined
  }

  isJoined({ request }: Asked): boolean {
    return this.access.joinedFor() === request.id
  }

  private codeFor({ request, nonce, ticket }: Asked): string {
    const draw = this.device.draws.get(request.id)
    return draw?.kind === 'picked-up' && ticket ? matchingCode({ ticket, sessionKey: request.sessionKey, hostKey, c: nonce, d: draw.draw }) : 'none'
  }

  private async actOnWaiting(): Promise<void> {
    for (const delivery of [...this.inbox.waiting()]) {
      await this.act(delivery)
      await this.device.clock.advance(0)
      if (this.device.dead) return
      this.inbox.handled(delivery.id)
    }
  }

  private async act(delivery: Delivery): Promise<void> {
    const { requests } = this.device
    if (delivery.kind === 'access-request') {
      this.noteAtDevice(delivery)
      return requests.receive(delivery)
    }
    if (delivery.kind === 'reveal') return requests.reveal(delivery)
    if (delivery.kind !== 'cancel' && delivery.kind !== 'end') return
    const asked = this.asked.find(({ request }) => request.id === delivery.requestId)
    if (asked) asked.withdrawn = true
    return delivery.kind === 'cancel' ? requests.cancel(delivery.requestId) : requests.end(delivery.requestId, delivery.cause)
  }

  private noteAtDevice({ ticket }: Extract<Delivery, { kind: 'access-request' }>): void {
    const { device } = this
    const { requestId, issuedAt } = readUnverified(ticket, TicketPayload, 'ticket.bad')
    const asked = this.asked.find(({ request }) => request.id === requestId)
    if (!asked || device.opened.includes(requestId)) return
    // Whose create call was cut off sees the request in the list.
    asked.ticket ??= ticket
    const { rules, connectivity, countries } = device.policy
    const allowed = rules.os !== 'deny' && connectivity === 'on' && (countries === null || countries.includes(people.person.country))
    const inTime = this.nowMs / 1_000 <= issuedAt + 425
    if (allowed && inTime && device.roster === rosters.good && device.auditWorks && device.clockOff === 0) asked.met.add('the device’s policy')
    if (asked.signedByBoth) asked.met.add('both of the person’s keys')
  }

  private tell(kind: 'session.opened', requestId: RequestId): void {
    const event = { kind, actor: { kind: 'agent' as const }, requestId }
    this.device.events.push(event)
    const whole: AuditEvent = { ...event, id: newId<EventId>('evt'), at: new Date(this.nowMs).toISOString() }
    this.send(kind, () => this.desk.report(whole))
  }

  private openShell({ requestId, admitted, bothLevels }: Opened): void {
    const asked = this.asked.find(({ request }) => request.id === requestId)
    const grant = asked && this.sessionOf(asked)?.grant
    if (!grant || judgeChannel(grant.request.access, { type: 'shell', pty: true }) !== 'shell') return
    if (bothLevels) asked.met.add('the second level')
    if (admitted) asked.met.add('an access server’s admission of both ends')
    if (asked.request.access !== 'os') throw new Breach('a shell at another level')
    if (asked.withdrawn) throw new Breach('a shell after the device was told that it is over')
    if (this.device.policy.rules.os === 'deny') throw new Breach('a shell that the device’s policy denies')
    if (this.device.opened.filter((id) => id === requestId).length !== 1) throw new Breach('two sessions for one request')
    const missing = conditions.filter((one) => !asked.met.has(one))
    if (missing.length > 0) throw new Breach(`a shell without ${missing.join(', and without ')}`)
    this.shells.push(asked.request.id)
  }
}
