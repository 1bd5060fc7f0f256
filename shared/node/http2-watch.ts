import type { Http2Session } from 'node:http2'
import { createShortQueue } from './short-queue.ts'

/**
 * Whether the other end of an HTTP/2 connection still hears us. TCP would wait for a quarter of an hour before it says that a path is dead; here a connection that
 * is silent is asked (PING, RFC 9113 section 6.7), and given up when it does not answer.
 *
 * Octets that are still taken from us are a sign of life, too, and on a slow line the only one: Node reads nothing from an HTTP/2 connection while it waits to write,
 * and an answer would come behind megabytes of contents.
 */
export type WatchOptions = {
  /** The connection's own. Node starts a write when the one before it is over, so `bytesWritten` stands still once nobody takes anything. */
  socket: { readonly bytesRead: number; readonly bytesWritten: number }
  /** How long silence may last now, ms. */
  patienceMs: () => number
  /** What may be under way towards us at most, in bytes. */
  windowBytes: number
  /** True while the other end sends contents: then it is asked with each of them, which also tells one that hears nothing else that its octets arrive. */
  receives: () => boolean
  onSilent: () => void
}

const tickMs = 250
/** RFC 9113 sections 4.1 and 6.7. Our own questions say nothing about the other end. */
const pingBytes = 17

/** Returns the function that stops it. */
export function watchHttp2(session: Http2Session, { socket, patienceMs, windowBytes, receives, onSilent }: WatchOptions): () => void {
  let [seen, given] = [socket.bytesRead, socket.bytesWritten]
  let silentMs = 0
  let asked = false
  let before = performance.now()
  const queue = createShortQueue(windowBytes)
  let window = 0
  const look = () => {
    const bytes = queue.look(performance.now(), socket.bytesRead)
    if (bytes === window) return
    window = bytes
    session.setLocalWindowSize(bytes)
  }
  const answered = () => {
    if (session.destroyed) return
    queue.answered(performance.now())
    const before = window
    look()
    // What more there may be is known as soon as this has filled the line.
    if (window > before && receives()) ping()
  }
  const ping = () => {
    // False when too many wait for their answer already.
    if (session.destroyed || !session.ping(answered)) return
    given += pingBytes
    queue.asked(performance.now())
  }
  const timer = setInterval(() => {
    // Until it says that it is closed; its socket may not be asked any more.
    if (session.destroyed) return stop()
    const now = performance.now()
    // A process that was stopped, or a busy one, has not read yet what came: a tick counts for two at most.
    silentMs += Math.min(now - before, 2 * tickMs)
    before = now
    const [read, written] = [socket.bytesRead, socket.bytesWritten]
    if (receives()) look()
    const heard = read !== seen
    if (heard || written > given) {
      seen = read
      given = Math.max(given, written)
      silentMs = 0
      asked = false
      if (heard && receives()) ping()
      return
    }
    const patience = patienceMs()
    if (silentMs >= patience) {
      stop()
      return onSilent()
    }
    if (asked || silentMs < patience / 3) return
    asked = true
    ping()
  }, tickMs)
  timer.unref()
  look()
  ping()
  const stop = () => clearInterval(timer)
  session.once('close', stop)
  return stop
}
