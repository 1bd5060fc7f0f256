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
  /** RFC 7638 thumbprints of the authority's own key, of those before it with their ends, and of the only one that may follow. */
  key: Hash | null
  olderKeys: { key: Hash; until: number }[]
  nextKey: Hash | null
  /** SHA-256 of what was signed about them, in order. */
  keyStatements: Hash[]
  /** The statement that listed the servers' keys last. */
  serverKeys: Hash | null
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
const RosterEvent = z.object({ number: z.number(), expiresAt: z.number(), keyStatement: Hash.optional() })
const KeyEvent = z.discriminatedUnion('change', [
  z.object({ change: z.literal('rotated'), key: Hash, until: z.number() }),
  z.object({ change: z.literal('pinned'), key: Hash }),
  z.object({ change: z.literal('retired'), until: z.number() }),
])
const RestoredEvent = z.object({ published: z.number() })

export function standingFrom(lines: Iterable<AuditLine>): Standing {
  const standing = emptyStanding()
  for (const { event } of lines) applyEvent(standing, event.kind, event.data)
  return standing
}

export function emptyStanding(): Standing {
  const keys = { key: null, olderKeys: [], nextKey: null, keyStatements: [], serverKeys: null }
  return { officers: new Map(), people: new Map(), rosterNumber: 0, rosterExpiresAt: null, ...keys }
}

export function applyEvent(standing: Standing, kind: AuditKind, data: unknown): void {
  switch (kind) {
    case 'authority.made':
      standing.key = z.object({ authority: Hash }).parse(data).authority
      return
    case 'authority.key-changed':
      return applyKeyChange(standing, KeyEvent.parse(data))
    case 'server-keys.signed':
      standing.serverKeys = z.object({ statement: Hash }).parse(data).statement
      return
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
      if (roster.keyStatement) standing.keyStatements.push(roster.keyStatement)
      return
    }
    case 'authority.restored':
      standing.rosterNumber = Math.max(standing.rosterNumber, RestoredEvent.parse(data).published)
  }
}

function applyKeyChange(standing: Standing, said: z.infer<typeof KeyEvent>): void {
  if (said.change === 'pinned') {
    standing.nextKey = said.key
    return
  }
  const before = said.change === 'rotated' && standing.key !== null ? [{ key: standing.key, until: said.until }] : []
  standing.olderKeys = [...before, ...standing.olderKeys.map(({ key, until }) => ({ key, until: Math.min(until, said.until) }))]
  if (said.change === 'rotated') Object.assign(standing, { key: said.key, nextKey: null })
}
