import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { watchHttp2 } from '@gantry/shared/node/http2-watch.ts'
import { watchBody } from '@gantry/shared/node/read-memory.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { DeviceFiles } from './device-files.ts'
import { createFileAnswers } from './file-answers.ts'

/**
 * The files leg (architecture 3.4): TLS 1.3 and HTTP/2 from end to end on a joined leg; the device is the server. It inherits both levels of
 * authentication, since the hash of the one certificate that it accepts came over the authenticated SSH connection.
 */
export type FilesLegOptions = {
  leg: Duplex
  identity: { certificatePem: string; keyPem: string }
  /** SHA-256 of the DER of the client's certificate. */
  clientCertificate: Hash
  files: DeviceFiles
  /** Told of every octet that moves, for the idle clock. */
  touch(bytes: number): void
  signal: AbortSignal
}

/** 16 MiB may be under way per request and 64 MiB in all: at 100 ms of delay that is 160 MB/s for one file (RFC 9113 section 5.2). */
const streamWindowBytes = 16 * 1024 ** 2
const sessionWindowBytes = 64 * 1024 ** 2
const handshakeTimeoutMs = 10_000
/** The client asks after a third of it, when it has nothing else to say. */
const patienceMs = 15_000
const maxRequests = 32

/** Resolves when the leg is gone; what was under way may go on over another. `refused`: the other end had another certificate than the one named. */
export async function serveFilesLeg({ leg, identity, clientCertificate, files, touch, signal }: FilesLegOptions): Promise<'closed' | 'refused'> {
  const { promise: over, resolve } = Promise.withResolvers<'closed' | 'refused'>()
  const refuse = () => {
    resolve('refused')
    leg.destroy()
  }
  // For a self-signed certificate OpenSSL's own verdict says nothing; its hash says everything, and TLS has proven the key by now (RFC 8446 section 4.4.3).
  const isPinned = (socket: TLSSocket) => {
    const { raw } = socket.getPeerCertificate()
    return raw !== undefined && sha256(raw) === clientCertificate
  }
  const stop = () => leg.destroy()
  const answers = createFileAnswers({ files, touch })
  const server = createServer(identity)
  server.prependListener('secureConnection', (socket) => {
    if (!isPinned(socket)) refuse()
  })
  server.on('session', (session) => {
    if (leg.destroyed || !isPinned(session.socket as TLSSocket)) return session.destroy()
    // The client opens another one only when it has given this one up.
    takeOver(files, leg)
    const socket = session.socket as TLSSocket
    watchHttp2(session, { socket, patienceMs: () => patienceMs, windowBytes: sessionWindowBytes, receives: answers.takes, onSilent: stop })
    session.on('stream', (stream, headers) => {
      watchBody(session, stream)
      void answers.answer(stream, headers)
    })
    session.once('close', () => resolve('closed'))
  })
  server.on('tlsClientError', refuse)
  server.on('sessionError', () => leg.destroy())
  leg.once('close', () => resolve('closed'))
  leg.on('error', () => leg.destroy())
  signal.addEventListener('abort', stop, { once: true })
  try {
    server.emit('connection', leg)
    return await over
  } finally {
    signal.removeEventListener('abort', stop)
    leg.destroy()
    server.close()
    await answers.finish()
    if (signal.aborted) files.moves.close()
  }
}

const current = new WeakMap<DeviceFiles, Duplex>()

function takeOver(files: DeviceFiles, leg: Duplex): void {
  current.get(files)?.destroy()
  current.set(files, leg)
}

function createServer({ certificatePem, keyPem }: FilesLegOptions['identity']): Http2SecureServer {
  return createSecureServer({
    cert: certificatePem,
    key: keyPem,
    ...tlsPolicy,
    minVersion: 'TLSv1.3',
    requestCert: true,
    // Nobody issued the client's certificate; it is checked by hash in `isPinned`, before the first request is read.
    rejectUnauthorized: false,
    allowHTTP1: false,
    handshakeTimeout: handshakeTimeoutMs,
    maxSessionMemory: 128,
    settings: { initialWindowSize: streamWindowBytes, maxConcurrentStreams: maxRequests, enablePush: false, maxHeaderListSize: 32_768 },
  })
}
