import { Duplex } from 'node:stream'

/**
 * Two ends of an in-memory cable. Bytes arrive on a later turn of the event loop, as they would from a socket: ssh2 fails its key exchange
 * when a peer answers inside its own write, which is what node:stream's duplexPair does. Back-pressure and half-close are a socket's too.
 */
export function wire(): [Duplex, Duplex] {
  const left = new WireEnd()
  const right = new WireEnd()
  left.connect(right)
  right.connect(left)
  return [left, right]
}

class WireEnd extends Duplex {
  #peer: WireEnd | undefined
  #resumePeer: ((error?: Error) => void) | undefined
  #peerEnded = false

  connect(peer: WireEnd): void {
    this.#peer = peer
  }

  override _read(): void {
    this.#resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    setImmediate(() => this.#peer?.receive(chunk, done))
  }

  override _final(done: (error?: Error) => void): void {
    setImmediate(() => this.#peer?.receive(null, done))
  }

  /** The other end sees a cut cable as a reset, unless it had seen the end before. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#resume(cutError())
    setImmediate(() => this.#peer?.cut())
    done(error)
  }

  receive(chunk: Buffer | null, done: (error?: Error) => void): void {
    this.#peerEnded ||= chunk === null
    if (this.destroyed) return done(chunk ? cutError() : undefined)
    if (this.push(chunk) || chunk === null) done()
    else this.#resumePeer = done
  }

  cut(): void {
    if (!this.#peerEnded && !this.destroyed) this.destroy(cutError())
  }

  #resume(error?: Error): void {
    const resume = this.#resumePeer
    this.#resumePeer = undefined
    resume?.(error)
  }
}

function cutError(): Error {
  return Object.assign(new Error('the wire is cut'), { code: 'ECONNRESET' })
}
