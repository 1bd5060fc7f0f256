import type { Http2Session } from 'node:http2'

/**
 * Whether the other end of an HTTP/2 connection still hears us. TCP would wait for a quarter of an hour before it says that a path is dead; here a connection that
 * is silent is asked (PING, RFC 9113 section 6.7), and given up when it does not answer.
 */
export type WatchOptions = {
  /** Of the connection's own socket, whatever came. */
  bytesRead: () => number
  /** How long silence may last now, ms. */
  patienceMs: () => number
  /** True while the other end sends and hears nothing in return: it is told that its octets arrive. */
  acknowledges?: () => boolean
  onSilent: () => void
}

const tickMs = 250

/** Returns the function that stops it. */
export function watchHttp2(session: Http2Session, { bytesRead, patienceMs, acknowledges = () => false, onSilent }: WatchOptions): () => void {
  let seen = bytesRead()
  let silentMs = 0
  let asked = false
  let before = performance.now()
  const ping = () => {
    // False when too many wait for their answer already.
    if (!session.destroyed) session.ping(() => undefined)
  }
  const timer = setInterval(() => {
    const now = performance.now()
    // A process that was stopped, or a busy one, has not read yet what came: a tick counts for two at most.
    silentMs += Math.min(now - before, 2 * tickMs)
    before = now
    const read = bytesRead()
    if (read !== seen) {
      seen = read
      silentMs = 0
      asked = false
      if (acknowledges()) ping()
      return
    }
    const patience = patienceMs()
    if (silentMs >= patience) return onSilent()
    if (asked || silentMs < patience / 3) return
    asked = true
    ping()
  }, tickMs)
  timer.unref()
  const stop = () => clearInterval(timer)
  session.once('close', stop)
  return stop
}
