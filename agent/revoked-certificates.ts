import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Hash } from '@gantry/shared/ticket.ts'

export type RefuseRevokedWith = {
  /** SHA-256 of server certificates that the authority's list revokes. */
  revoked: () => readonly Hash[]
  audit: (event: NewDeviceEvent) => void
}

/**
 * The dialler, for certificates that still count: their CA goes on vouching for one whose key was stolen, until its time is over. Refused with `server.certificate-revoked {host}`
 * before anything is said, and written to the audit once for each certificate. A resumed TLS session shows no certificate, so it is known by the one under which it began; one that is
 * not known, or whose certificate counts no more, is not resumed.
 */
export function refuseRevoked(dial: Dial, { revoked, audit }: RefuseRevokedWith): Dial {
  const told = new Set<Hash>()
  const begunUnder = new WeakMap<Buffer, Hash>()
  const refuse = (mark: Hash, host: string): AppError => {
    const refusal = new AppError('server.certificate-revoked', { details: { host } })
    if (!told.has(mark)) audit({ kind: 'device.server-refused', actor: { kind: 'unknown' }, data: { code: refusal.code, host, certificate: mark } })
    told.add(mark)
    return refusal
  }
  return async ({ session, ...target }) => {
    const known = session && begunUnder.get(session)
    const mayResume = known !== undefined && !revoked().includes(known)
    const socket = await dial(mayResume ? { ...target, session } : target)
    const certificate = socket.getPeerX509Certificate()
    const mark = certificate ? sha256(certificate.raw) : (known as Hash)
    if (revoked().includes(mark)) {
      socket.destroy()
      throw refuse(mark, target.host)
    }
    socket.on('session', (next) => begunUnder.set(next, mark))
    return socket
  }
}
