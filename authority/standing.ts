import type { AuditKind, AuditLine } from '@gantry/shared/audit.ts'
import { CertificatePayload, Hash } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { OfficerName } from './statement.ts'

/** What the authority's own audit says now. There is no other state: nothing beside the log can claim that somebody is certified, or another number. */
export type Standing = {
  officers: Map<OfficerName, OfficerEvent>
  people: Map<CertifiedEvent['specialistId'], CertifiedEvent>
  /** Of the newest roster, or the number above which a restored authority goes on. */
  rosterNumber: number
  rosterExpiresAt: number | null
}

/** How the log tells it; each event repeats who agreed. */
const agreed = { officers: z.string(), statement: Hash }
const { specialistId, username } = CertificatePayload.shape
export const OfficerEvent = z.object({ officer: OfficerName, signingKey: Hash, sealingKey: Hash })
export type OfficerEvent = z.infer<typeof OfficerEvent>
export const CertifiedEvent = z.object({
  ...{ specialistId, username, specialistKey: Hash, supportKey: Hash, issuedAt: z.number(), expiresAt: z.number() },
  /** SHA-256 of the certificate as it was signed. */
  certificate: Hash,
  /** Short, as people compare it. */
  fingerprint: z.string(),
  ...agreed,
})
export type CertifiedEvent = z.infer<typeof CertifiedEvent>
const RevokedEvent = z.object({ specialistId })
const RosterEvent = z.object({ number: z.number(), expiresAt: z.number() })
const RestoredEvent = z.object({ published: z.number() })

export function standingFrom(lines: Iterable<AuditLine>): Standing {
  const standing = emptyStanding()
  for (const { event } of lines) applyEvent(standing, event.kind, event.data)
  return standing
}

export function emptyStanding(): Standing {
  return { officers: new Map(), people: new Map(), rosterNumber: 0, rosterExpiresAt: null }
}

export function applyEvent(standing: Standing, kind: AuditKind, data: unknown): void {
  switch (kind) {
    case 'officer.added': {
      const officer = OfficerEvent.parse(data)
      standing.officers.set(officer.officer, officer)
      return
    }
    case 'officer.removed':
      standing.officers.delete(OfficerEvent.pick({ officer: true }).parse(data).officer)
      return
    case 'specialist.certified': {
      const certified = CertifiedEvent.parse(data)
      standing.people.set(certified.specialistId, certified)
      return
    }
    case 'specialist.revoked': {
      const revoked = RevokedEvent.parse(data)
      standing.people.delete(revoked.specialistId)
      return
    }
    case 'roster.signed': {
      const roster = RosterEvent.parse(data)
      Object.assign(standing, { rosterNumber: roster.number, rosterExpiresAt: roster.expiresAt })
      return
    }
    case 'authority.restored':
      standing.rosterNumber = Math.max(standing.rosterNumber, RestoredEvent.parse(data).published)
  }
}
