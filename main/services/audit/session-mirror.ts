import type { AuditEvent, AuditLink } from '@gantry/shared/audit.ts'
import { canonicalJson } from '@gantry/shared/canonical-json.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { lineHash, readHead } from '@gantry/shared/node/audit-line.ts'
import type { AuditLog } from '@gantry/shared/node/audit-log.ts'
import { publicKeyFrom } from '@gantry/shared/node/signing.ts'
import type { Hash, PublicJwk } from '@gantry/shared/ticket.ts'

/**
 * One session's events as the device writes them, followed link by link: each line names the hash of the one before, so none can be left out, changed or put in between
 * unseen, and the device's signed heads fix where the chain began and how far it had come. Whatever does not fit turns `verified` false for good; the events are kept
 * all the same, since a broken chain is itself something to look at.
 */
export type SessionMirror = {
  /** The device's audit key, as it came over the authenticated session. */
  key(key: PublicJwk): void
  /** A signed head of the device. False when it is not one, or contradicts the chain. */
  head(head: string): boolean
  link(link: AuditLink): void
  /** The same events, or the servers' own, as the main server passes them on. */
  fromServer(event: AuditEvent): void
  /** Nothing more will come: what the last head covers has to be here. */
  end(): void
  activity(): { events: AuditEvent[]; verified: boolean }
}
export type MirrorTools = {
  requestId: RequestId
  log: Pick<AuditLog, 'appendAllForeign'>
  onEvent: (event: AuditEvent, verified: boolean) => void
  /** The own log cannot be written: no audit, no session. */
  onUnwritable: (error: unknown) => void
}

/** Those of one moment are written together: the disk would hold up whoever waits for a prompt. What a crash loses meanwhile is in the device's own log. ms */
const gatherMs = 200
/** As many as a window can show; all of them are in the log. */
const keptEvents = 5_000

export function createSessionMirror({ requestId, log, onEvent, onUnwritable }: MirrorTools): SessionMirror {
  const events = new Map<string, AuditEvent>()
  const chain = createChain()
  const waiting: AuditEvent[] = []
  let key: PublicJwk | null = null

  /** So does a folder of small files, which would wait for the disk once for each. */
  const flush = () => {
    if (waiting.length === 0) return
    try {
      log.appendAllForeign(waiting.splice(0))
    } catch (error) {
      onUnwritable(error)
    }
  }
  const store = (event: AuditEvent) => {
    const known = events.get(event.id)
    if (known) {
      // Members may come in another order over another way.
      if (canonicalJson(known) !== canonicalJson(event)) chain.fault()
      return
    }
    events.set(event.id, event)
    const oldest = events.size > keptEvents ? events.keys().next() : null
    if (oldest && !oldest.done) events.delete(oldest.value)
    waiting.push(event)
    if (waiting.length === 1) setTimeout(flush, gatherMs)
    onEvent(event, chain.isWhole())
  }
  return {
    key(jwk) {
      key = jwk
    },
    head(text) {
      const payload = key && readHead(text, publicKeyFrom(key))
      if (!payload) chain.fault()
      else chain.point(payload)
      return payload !== null && chain.isWhole()
    },
    link(link) {
      chain.link(link)
      if (link.event?.requestId === requestId) store(link.event)
    },
    fromServer(event) {
      if (event.requestId === requestId) store(event)
    },
    end() {
      flush()
      chain.end()
    },
    activity: () => ({ events: [...events.values()], verified: chain.isWhole() }),
  }
}

/** A head that arrives later than this many lines could no longer be compared; they come within moments. */
const keptHashes = 10_000

type Point = { seq: number; hash: Hash }

function createChain() {
  const hashes = new Map<number, Hash>()
  const points = new Map<number, Hash>()
  let first: AuditLink | null = null
  let last: Point | null = null
  let whole = true
  const fault = () => {
    whole = false
  }
  /** The chain may not begin after the first signed head, or what lies between would be unknown. */
  const checkBeginning = () => {
    const earliest = Math.min(...points.keys())
    if (!first || points.size === 0) return
    if (first.seq > earliest + 1) fault()
    if (first.seq === earliest + 1 && first.prev !== points.get(earliest)) fault()
  }
  return {
    fault,
    isWhole: () => whole,
    end() {
      const [earliest, newest] = [Math.min(...points.keys()), Math.max(...points.keys())]
      if (points.size > 0 && newest > (last?.seq ?? earliest)) fault()
    },
    link(link: AuditLink) {
      if (link.event && lineHash({ event: link.event, prev: link.prev, seq: link.seq }) !== link.hash) fault()
      if (last && (link.seq !== last.seq + 1 || link.prev !== last.hash)) fault()
      const point = points.get(link.seq)
      if (point && point !== link.hash) fault()
      first ??= link
      last = { seq: link.seq, hash: link.hash }
      hashes.set(link.seq, link.hash)
      hashes.delete(link.seq - keptHashes)
      checkBeginning()
    },
    point({ seq, hash }: Point) {
      const known = hashes.get(seq) ?? points.get(seq)
      if (known && known !== hash) fault()
      points.set(seq, hash)
      checkBeginning()
    },
  }
}
