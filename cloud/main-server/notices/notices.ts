import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { type DeviceId, newId, type RequestId, type SpecialistId } from '@gantry/shared/ids.ts'
import { type SigningKey, sha256, signJws } from '@gantry/shared/node/signing.ts'
import { type NoticeFacts, noticeLimits } from '@gantry/shared/notice.ts'
import type { Database, Queries } from '../database.ts'
import type { NoticeContacts } from '../seed.ts'
import { DeliveryFailure, type DeliveryReason } from './delivery.ts'
import type { SendMail } from './mail.ts'
import { composeMail, type Message, webhookPayload } from './message.ts'
import { lets, nextTry } from './rule.ts'
import {
  type Channel,
  closeSend,
  countNotices,
  dueSends,
  findNames,
  findSendOf,
  hasOpenSends,
  insertNotice,
  moveNotice,
  noteTry,
  overdueSends,
  type SendRow,
  spendLink,
  unanswered,
} from './store.ts'
import type { PostWebhook } from './webhook.ts'

export type NoticeTools = {
  db: Database
  /** Throws `audit.unavailable`, and then nothing happens. */
  append: (event: NewAuditEvent) => void
  /** From which each link is derived, so that only its hash needs to be kept and a message that is sent again has the same one. */
  secret: string
  /** `https://host:port` of the pages. */
  origin: string
  /** Signs webhooks. */
  key: () => SigningKey
  /** Null where no mail server is set. */
  sendMail: SendMail | null
  postWebhook: PostWebhook
  /** Within the caller's transaction: the device may hear of the request from now on. */
  release: (queries: Queries, about: { deviceId: DeviceId; requestId: RequestId }) => Promise<void>
  /** After it, and whenever else is waited for: the specialist is told, and the device may have something to fetch. */
  moved: (about: { deviceId: DeviceId; requestId: RequestId }) => Promise<void>
  /** A notice says no: requests and sessions that rest on it are looked at. */
  changed: () => Promise<void>
  onDefect: (error: unknown) => void
  now: () => number
}
type AskedFor = Pick<NoticeFacts, 'access' | 'serviceKind' | 'caseId' | 'minutes' | 'escalated'> & {
  requestId: RequestId
  deviceId: DeviceId
  specialistId: SpecialistId
}
export type Answer = 'refuse' | 'accept'
export type Notices = {
  /** Whether there is somebody whom this server could reach. */
  canTell(contacts: NoticeContacts | null): boolean
  /** To do with this device, within the last hour. */
  recent(queries: Queries, deviceId: DeviceId): Promise<number>
  /** Within the transaction that stores the request. */
  begin(queries: Queries, asked: AskedFor, rule: Message['rule'], contacts: NoticeContacts): Promise<void>
  /** Sends what is due and gives up what is overdue; to be called each second. Messages go on by themselves. */
  look(): Promise<void>
  /** The same at once, after the transaction of `begin`. */
  kick(): void
  /** What a link is about; null where it does not count, or no more. */
  read(token: string): Promise<(Message & { mayAccept: boolean }) | null>
  /** False where the link does not count, or not for this answer. */
  take(token: string, answer: Answer): Promise<boolean>
  /** Takes what is under way back into the outbox; it is sent again after the next start. 3 s at most. */
  close(): Promise<void>
}

const maxInFlight = 8
const closeMs = 3_000

/** The customer's contacts outside the device: told before a session starts, and heard (R084). */
export function createNotices(tools: NoticeTools): Notices {
  const { db, now } = tools
  const inFlight = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const tokenOf = (id: string) => createHmac('sha256', tools.secret).update(id).digest('base64url')
  const messageOf = ({ id, facts, rule, language, deadline_ms }: SendRow): Message => ({
    ...{ id, facts, rule, language, answerUrl: `${tools.origin}/notice/${tokenOf(id)}` },
    answerBeforeMs: rule === 'accepted' ? deadline_ms : null,
  })
  const start = (row: SendRow) => {
    const sending = sendOnce(tools, row, messageOf(row), closing.signal)
      .catch(tools.onDefect)
      .finally(() => inFlight.delete(row.id))
    inFlight.set(row.id, sending)
  }
  /** Of a link that counts: not used, its request live, and nothing said that is final. */
  const findLink = async (token: string) => {
    const row = await findSendOf(db, sha256(token))
    return row && row.answered_ms === null ? row : null
  }
  const mayAccept = (row: SendRow) => row.rule === 'accepted' && row.state !== 'accepted' && now() < row.deadline_ms
  const look = async () => {
    for (const row of await overdueSends(db, now())) if (!inFlight.has(row.id)) await giveUp(tools, row, 'time')
    for (const row of await dueSends(db, now())) {
      if (inFlight.size >= maxInFlight || closing.signal.aborted) break
      if (!inFlight.has(row.id)) start(row)
    }
    const silent = await unanswered(db, now())
    for (const requestId of silent) await moveNotice(db, requestId, 'expired')
    if (silent.length > 0) await tools.changed()
  }
  return {
    canTell: (contacts) => contacts !== null && (contacts.webhook !== null || (contacts.mail.length > 0 && tools.sendMail !== null)),
    recent: (queries, deviceId) => countNotices(queries, deviceId, now() - 3_600_000),
    async begin(queries, asked, rule, contacts) {
      const nowMs = now()
      const seconds = rule === 'accepted' ? noticeLimits.answerSeconds : noticeLimits.tellSeconds
      const send = (channel: Channel, target: string) => {
        const id = newId<string>('ntc')
        return { id, channel, target, tokenHash: sha256(tokenOf(id)) }
      }
      const sends = [...contacts.mail.map((address) => send('mail', address)), ...(contacts.webhook === null ? [] : [send('webhook', contacts.webhook)])]
      const facts = await factsOf(queries, asked)
      await insertNotice(queries, { facts, rule, language: contacts.language, deadlineMs: nowMs + seconds * 1_000, nowMs, sends })
    },
    look,
    kick: () => void look().catch(tools.onDefect),
    async read(token) {
      const row = await findLink(token)
      return row && { ...messageOf(row), mayAccept: mayAccept(row) }
    },
    async take(token, answer) {
      const row = await findLink(token)
      if (!row || (answer === 'accept' && !mayAccept(row))) return false
      return takeAnswer(tools, row, answer)
    },
    async close() {
      closing.abort()
      await Promise.race([Promise.all(inFlight.values()), sleep(closeMs, undefined, { ref: false })])
    },
  }
}

async function factsOf(queries: Queries, { requestId, deviceId, specialistId, ...asked }: AskedFor): Promise<NoticeFacts> {
  const { device, specialist } = await findNames(queries, { deviceId, specialistId })
  return {
    ...{ requestId, specialist, customer: device.customer, ...asked },
    device: { id: device.id, name: device.name, serial: device.serial },
    site: { name: device.site, city: device.city, timeZone: device.time_zone },
  }
}

async function sendOnce(tools: NoticeTools, row: SendRow, message: Message, closing: AbortSignal): Promise<void> {
  const nextMs = nextTry(row.attempts + 1, tools.now(), row.deadline_ms)
  // Before it is tried: what ends this process, or cannot be written down afterwards, must not send it for ever.
  await noteTry(tools.db, row.id, nextMs ?? row.deadline_ms)
  try {
    await send(tools, row, message, closing)
  } catch (error) {
    if (closing.aborted) return
    if (!(error instanceof DeliveryFailure)) throw error
    if (error.final || nextMs === null) await giveUp(tools, row, error.reason)
    return
  }
  // What was taken over in the last moment is sent once more after the start, with the same link: twice is better than not at all.
  if (!closing.aborted) await arrived(tools, row)
}

async function send({ sendMail, postWebhook, key, now }: NoticeTools, { channel, target }: SendRow, message: Message, signal: AbortSignal): Promise<void> {
  if (channel === 'webhook') return postWebhook({ url: target, body: await signJws('notice', webhookPayload(message, target, now()), key()), signal })
  if (!sendMail) throw new DeliveryFailure('mail-off', { final: true })
  return sendMail({ id: message.id, to: target, ...composeMail(message) })
}

/** Written down before the device hears of the request. */
async function arrived(tools: NoticeTools, row: SendRow): Promise<void> {
  const { db, append, release } = tools
  const about = aboutOf(row)
  const isNews = await db.transaction().execute(async (trx) => {
    if (!(await closeSend(trx, row.id, 'sent', null))) return false
    const moved = await moveNotice(trx, row.request_id, 'delivered')
    if (moved && lets(row.rule, 'delivered')) await release(trx, about)
    append({ ...about, kind: 'notice.delivered', actor: { kind: 'main-server' }, data: { channel: row.channel, to: row.target, rule: row.rule } })
    return moved
  })
  if (isNews) await tools.moved(about)
}

async function giveUp(tools: NoticeTools, row: SendRow, reason: DeliveryReason): Promise<void> {
  const failed = await tools.db.transaction().execute(async (trx) => {
    if (!(await closeSend(trx, row.id, 'failed', reason))) return false
    const data = { channel: row.channel, to: row.target, reason }
    tools.append({ ...aboutOf(row), kind: 'notice.failed', actor: { kind: 'main-server' }, data })
    return !(await hasOpenSends(trx, row.request_id)) && (await moveNotice(trx, row.request_id, 'failed', reason))
  })
  if (failed) await tools.changed()
}

async function takeAnswer(tools: NoticeTools, row: SendRow, answer: Answer): Promise<boolean> {
  const { db, append, release, moved, changed, now } = tools
  const about = aboutOf(row)
  const taken = await db.transaction().execute(async (trx) => {
    if (!(await spendLink(trx, row.id, now()))) return false
    if (!(await moveNotice(trx, row.request_id, answer === 'accept' ? 'accepted' : 'refused'))) return false
    if (answer === 'accept') await release(trx, about)
    append({ ...about, kind: 'notice.answered', actor: { kind: 'person' }, data: { answer, channel: row.channel, to: row.target } })
    return true
  })
  if (taken && answer === 'accept') await moved(about)
  if (taken && answer === 'refuse') await changed()
  return taken
}

function aboutOf({ request_id, device_id }: SendRow) {
  return { requestId: request_id, deviceId: device_id }
}
