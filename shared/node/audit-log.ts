import { AuditEvent, type AuditKind, type AuditLine, type AuditLink, type NewAuditEvent } from '../audit.ts'
import { type EventId, type LogId, newId } from '../ids.ts'
import type { CompactJws, PublicJwk } from '../ticket.ts'
import { lineHash, privateHash, readHeadUnverified } from './audit-line.ts'
import { type AuditStore, type Draft, openAuditStore } from './audit-store.ts'
import { newNonce, type SigningKey } from './signing.ts'

/**
 * The audit of one party (format: `shared/audit.ts`). Write first, then act: `append` returns when the event is on the disk, or throws `audit.unavailable`,
 * and then what was to be audited must not happen.
 */
export type AuditLogOptions = {
  /** Holds `audit.jsonl` and `log-head.jws`; made with mode 0700 when missing. */
  folder: string
  key: SigningKey
  /** Whose log: a device id, `main-server`, an access server's name, a username. */
  party: string
  /** False: private parts are dropped and only their hash is kept. Decided when the log is made. */
  keepsPrivate: boolean
  /** Milliseconds. */
  now?: () => number
}

export type ReadFilter = {
  requestId?: string | undefined
  kinds?: readonly AuditKind[] | undefined
  /** Lines with this number and later ones. */
  fromSeq?: number | undefined
}

export type LineListener = (link: AuditLink, line: AuditLine) => void

export type AuditLog = {
  readonly logId: LogId
  readonly party: string
  readonly publicJwk: PublicJwk
  readonly lastSeq: number
  append(event: NewAuditEvent): AuditEvent
  /** Stores another party's event unchanged; false when an event with its id is here already. */
  appendForeign(event: AuditEvent): boolean
  /** As `appendForeign`, for many at the cost of one; returns those that were new. */
  appendAllForeign(events: readonly AuditEvent[]): AuditEvent[]
  /** The signed head of the last line. */
  head(): CompactJws
  /** Writes another party's head into this log. The caller has checked its signature. */
  witness(head: CompactJws, party: string): void
  /** Each line after it was written, by this process or (when noticed) by another. A listener must not throw. Returns the function that stops it. */
  onLine(listener: LineListener): () => void
  /** Lines in order, read from the disk while the caller loops. */
  read(filter?: ReadFilter): Generator<AuditLine, void, void>
  /** May be called again; whatever is asked of a closed log is `audit.unavailable`. */
  close(): void
}

/** Throws `audit.broken {what}` for a log whose end is cut or altered or that belongs to another key; `audit.unavailable` when it cannot be written. */
export function openAuditLog(options: AuditLogOptions): AuditLog {
  const { key, party, now = Date.now } = options
  const store = openAuditStore({ ...options, now })
  const listeners = new Set<LineListener>()
  const foreign = createForeignIndex(store)

  const tell = () => {
    for (const line of store.takeNews()) for (const listener of listeners) listener(linkOf(line), line)
  }
  const write = (draft: () => Draft[]): AuditEvent[] => {
    try {
      return store.write(draft).map((line) => line.event)
    } finally {
      tell()
    }
  }
  const appendAllForeign = (events: readonly AuditEvent[]) => write(() => foreign.unknown(events).map((event) => draftForeign(event, store.keepsPrivate)))

  return {
    logId: store.logId,
    party,
    publicJwk: key.publicJwk,
    get lastSeq() {
      return store.lastSeq()
    },
    append(event) {
      const [stored] = write(() => [draftOwn(event, now(), store.keepsPrivate)])
      if (!stored) throw new Error('nothing was stored')
      return stored
    },
    appendForeign: (event) => appendAllForeign([event]).length > 0,
    appendAllForeign,
    head: () => store.head(),
    witness: (head, other) => void write(() => [draftOwn(witnessEvent(head, other), now(), store.keepsPrivate)]),
    onLine(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    *read({ requestId, kinds, fromSeq = 1 } = {}) {
      store.notice()
      tell()
      for (const line of store.lines(fromSeq)) {
        if (requestId && line.event.requestId !== requestId) continue
        if (kinds && !kinds.includes(line.event.kind)) continue
        yield line
      }
    },
    close: () => store.close(),
  }
}

/** A line as another party may follow it; which events it may see whole is the caller's to say. */
export function linkOf(line: AuditLine): AuditLink {
  return { seq: line.seq, prev: line.prev, hash: lineHash(line), event: line.event }
}

/** Gives the event its id, time and private hash. Text from outside may hold lone surrogates, which canonical JSON cannot carry. */
function draftOwn({ private: part, ...event }: NewAuditEvent, nowMs: number, keepsPrivate: boolean): Draft {
  const withSalt = part && { ...(wellFormed(part) as typeof part), salt: newNonce() }
  const whole = AuditEvent.parse({
    ...(wellFormed(event) as typeof event),
    id: newId<EventId>('evt'),
    at: new Date(nowMs).toISOString(),
    ...(withSalt ? { privateHash: privateHash(withSalt) } : {}),
  })
  return withSalt && keepsPrivate ? { event: whole, private: withSalt } : { event: whole }
}

/** In a log that keeps private parts a missing one means that it was taken out, so it cannot hold events whose private part was never here. */
function draftForeign(event: AuditEvent, keepsPrivate: boolean): Draft {
  if (keepsPrivate && event.privateHash) throw new Error('a log with private parts takes no foreign event that lacks its own')
  return { event: AuditEvent.parse(event) }
}

function witnessEvent(head: CompactJws, party: string): NewAuditEvent {
  const payload = readHeadUnverified(head)
  if (!payload) throw new Error('not a head')
  return { kind: 'head.witnessed', actor: { kind: 'unknown', name: party.slice(0, 80) }, data: { logId: payload.logId, seq: payload.seq, head } }
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key.toWellFormed(), wellFormed(member)]))
}

/** Which events are here already, by id. The index is read from the disk at its first use: most parties never store another's events. */
function createForeignIndex(store: AuditStore): { unknown(events: readonly AuditEvent[]): AuditEvent[] } {
  const seen = new Set<string>()
  let nextSeq = 1
  return {
    unknown(events) {
      for (const line of store.lines(nextSeq)) {
        seen.add(line.event.id)
        nextSeq = line.seq + 1
      }
      const fresh = new Map(events.filter((event) => !seen.has(event.id)).map((event) => [event.id, event]))
      return [...fresh.values()]
    },
  }
}
