import type { TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import type { Hash } from '../ticket.ts'
import type { Dial } from './dial.ts'
import { sha256 } from './signing.ts'

export type RefuseRevokedWith = {
  /** SHA-256 of server certificates that the authority's list revokes. */
  revoked: () => readonly Hash[]
  /** Told once of each certificate. */
  onRefused?: (refused: { host: string; certificate: Hash; code: AppError['code'] }) => void
}
export type UnrevokedDial = {
  dial: Dial
  /** To be called when the list is another one: ends the connections whose certificate counts no more. */
  lookAgain(): void
}

/**
 * The dialler, for certificates that still count: their CA goes on vouching for one whose key was stolen, until its time is over. Refused with `server.certificate-revoked {host}`
 * before anything is said. A resumed TLS session shows no certificate, so it is known by the one under which it began; one that is not known, or whose certificate counts no more, is
 * not resumed (R061).
 */
export function refuseRevoked(dial: Dial, { revoked, onRefused }: RefuseRevokedWith): UnrevokedDial {
  const told = new Set<Hash>()
  const begunUnder = new WeakMap<Buffer, Hash>()
  const open = new Map<TLSSocket, Hash>()
  const refuse = (certificate: Hash, host: string): AppError => {
    const refusal = new AppError('server.certificate-revoked', { details: { host } })
    if (!told.has(certificate)) onRefused?.({ host, certificate, code: refusal.code })
    told.add(certificate)
    return refusal
  }
  return {
    async dial({ session, ...target }) {
      const known = session && begunUnder.get(session)
      const mayResume = known !== undefined && !revoked().includes(known)
      const socket = await dial(mayResume ? { ...target, session } : target)
      const certificate = socket.getPeerX509Certificate()
      const mark = certificate ? sha256(certificate.raw) : (known as Hash)
      if (revoked().includes(mark)) {
        socket.destroy()
        throw refuse(mark, target.host)
      }
      open.set(socket, mark)
      socket.once('close', () => open.delete(socket))
      socket.on('session', (next) => begunUnder.set(next, mark))
      return socket
    },
    lookAgain() {
      for (const [socket, mark] of open) if (revoked().includes(mark)) socket.destroy()
    },
  }
}
