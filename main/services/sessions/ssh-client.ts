import { timingSafeEqual } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { AppError } from '@gantry/shared/errors.ts'
import { corkPerTurn, loadWithFastCrypto } from '@gantry/shared/node/packet-speed.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import type { Client, ClientChannel, ConnectConfig } from 'ssh2'

/**
 * The SSH connection to a device, over a joined leg. Only what the agent offers too: strict key exchange comes with ssh2 itself; AES-GCM alone (Electron's BoringSSL
 * has no chacha20-poly1305 for ssh2, and GCM is not open to Terrapin); no compression.
 */
export const algorithms: NonNullable<ConnectConfig['algorithms']> = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'],
  serverHostKey: ['ecdsa-sha2-nistp256'],
  // Never used with GCM, but the list may not be empty.
  hmac: ['hmac-sha2-256-etm@openssh.com'],
  compress: ['none'],
}

export type SshTarget = {
  leg: Duplex
  username: string
  /** `ecdsa-sha2-nistp256 AAAA…`, from the device's signed answers: no other key is taken. */
  hostKey: string
  /** Both levels in turn: the session key that the ticket names, then the person's support key. */
  keys: readonly [session: SigningKey, support: SigningKey]
  signal?: AbortSignal
}

const readyTimeoutMs = 20_000

/** Errors: `device.host-key-wrong`, `session.channel-refused {what: 'sign-in'}`, `session.ended` when the leg breaks; an abort throws the signal's reason. */
export async function connectSsh({ leg, username, hostKey, keys, signal }: SshTarget): Promise<Client> {
  signal?.throwIfAborted()
  const client = new (await loadSsh2()).Client()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let hostKeyWrong = false
  const abort = () => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  client.once('ready', resolve)
  // Stays for good: a late error without a listener would end the process.
  client.on('error', (error) => reject(hostKeyWrong ? new AppError('device.host-key-wrong') : explain(error)))
  client.once('close', () => reject(new AppError('session.ended', { details: { cause: 'connection-lost' } })))
  // The other end has said its last byte; half a connection is none.
  leg.once('end', () => leg.end())
  const [session, support] = keys.map((key) => ({ type: 'publickey' as const, username, key: sec1(key) }))
  const offers = [session, support]
  client.connect({
    sock: corkPerTurn(leg) as never,
    username,
    algorithms,
    readyTimeout: readyTimeoutMs,
    // The link knows whether the device is there, and waits for it longer than SSH would.
    keepaliveInterval: 0,
    hostVerifier: (key: Buffer) => {
      hostKeyWrong = !isHostKey(key, hostKey)
      return !hostKeyWrong
    },
    authHandler: (_left, _partial, next) => next((offers.shift() ?? false) as never),
  })
  try {
    await promise
    return client
  } catch (error) {
    client.end()
    leg.destroy()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

let loading: Promise<typeof import('ssh2')> | null = null

/** At the first session, since most commands and most minutes of the window need none. */
function loadSsh2(): Promise<typeof import('ssh2')> {
  loading ??= loadWithFastCrypto(() => import('ssh2').then((module) => module.default ?? module))
  return loading
}

/** ssh2 reads SEC 1 keys (RFC 5915), not PKCS#8. */
function sec1(key: SigningKey): string {
  return key.privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}

function isHostKey(offered: Buffer, expected: string): boolean {
  const blob = Buffer.from(expected.split(' ')[1] ?? '', 'base64')
  return offered.length === blob.length && timingSafeEqual(offered, blob)
}

function explain(error: Error & { level?: string }): AppError {
  if (error.level === 'client-authentication') return new AppError('session.channel-refused', { cause: error, details: { what: 'sign-in' } })
  return new AppError('session.ended', { cause: error, details: { cause: 'connection-lost' } })
}

type OpenChannel = (client: Client, done: (error: Error | undefined, channel: ClientChannel) => void) => void

/** Errors: `session.channel-refused {what}` where the device says no (also by failing the request on the channel). */
export async function openChannel(client: Client, what: string, open: OpenChannel): Promise<ClientChannel> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>()
  const closed = () => reject(new AppError('session.ended', { details: { cause: 'connection-lost' } }))
  client.once('close', closed)
  try {
    open(client, (error, channel) => (error ? reject(new AppError('session.channel-refused', { cause: error, details: { what } })) : resolve(channel)))
    const channel = await promise
    channel.on('error', () => undefined)
    return channel
  } catch (error) {
    if (error instanceof AppError) throw error
    // ssh2 throws at once when the connection is gone already.
    throw new AppError('session.ended', { cause: error, details: { cause: 'connection-lost' } })
  } finally {
    client.off('close', closed)
  }
}
