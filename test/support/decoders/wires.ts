import type { TLSSocket } from 'node:tls'
import type { Dial } from '../../../shared/node/dial.ts'
import { wire } from '../wire.ts'

/** Whoever dials is connected to somebody who, once anything was said, says these octets and hangs up. */
export function dialTo(say: () => Buffer): Dial {
  return async () => {
    const [near, far] = wire()
    far.on('error', () => undefined)
    far.once('data', () => far.end(say()))
    far.resume()
    const session = { getProtocol: () => 'TLSv1.3', getSession: () => undefined, setTimeout: () => near, setNoDelay: () => near, setKeepAlive: () => near }
    return Object.assign(near, session) as unknown as TLSSocket
  }
}

/** An answer whose head is right, whatever its body is. */
export function httpAnswer(body: Buffer, { status = 200, type = 'application/json' }: { status?: number; type?: string } = {}): Buffer {
  const head = [`HTTP/1.1 ${status} Said`, `content-type: ${type}`, `content-length: ${body.length}`, 'connection: close', '', '']
  return Buffer.concat([Buffer.from(head.join('\r\n')), body])
}
