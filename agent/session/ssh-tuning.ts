import type { Duplex } from 'node:stream'
import { corkPerTurn, loadWithFastCrypto } from '@gantry/shared/node/packet-speed.ts'

/** What ssh2 must be told to be safe and fast, and the only place that loads it. */
export const ssh2 = await loadWithFastCrypto(async () => (await import('ssh2')).default)

/** Packets that leave as one record each, and are counted. Changes the stream itself. */
export function prepareLeg<S extends Duplex>(leg: S, onWrite: (bytes: number) => void): S {
  const write = corkPerTurn(leg).write.bind(leg) as (chunk: Buffer) => boolean
  leg.write = ((chunk: Buffer) => {
    onWrite(chunk.length)
    return write(chunk)
  }) as Duplex['write']
  return leg
}

/** SFTP clients of ssh2 ask for 255 KiB at once only if the server calls itself OpenSSH; 34,000 octets otherwise (its lib/protocol/SFTP.js). */
export const ident = 'OpenSSH_9.9 Gantry'

/** Both ends' lists hold nothing else; AEAD ciphers need no MAC, and ssh2 wants a list all the same. */
export const algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
  serverHostKey: ['ecdsa-sha2-nistp256'],
  cipher: ['aes256-gcm@openssh.com', 'aes128-gcm@openssh.com'],
  hmac: ['hmac-sha2-256-etm@openssh.com'],
  compress: ['none'],
} as const

/** RFC 4253 section 9: new keys after a gigabyte or an hour. ssh2 does neither by itself. */
export const rekeyAfter = { bytes: 1024 ** 3, ms: 3_600_000 } as const
