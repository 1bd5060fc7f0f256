import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { shortFingerprint } from '@gantry/shared/node/certification.ts'
import { serverKeysFingerprint } from '@gantry/shared/node/server-keys.ts'
import { type SigningKey, sha256, signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import { type ServerKeys, ServerKeysPayload } from '@gantry/shared/server-keys.ts'
import { CertificatePayload, type CompactJws, type Hash, type RosterPayload } from '@gantry/shared/ticket.ts'
import { officerMarks } from './officers.ts'
import type { CertifiedEvent, Standing } from './standing.ts'
import type { Act, Person } from './statement.ts'

/** What each act needs, makes and leaves in the audit. */
const day = 86_400
export const validity = { certificateDays: 90, rosterDays: 14 } as const
export const minOfficers = 2
/** Who agreed: names, and the hash of the statement. */
export type Agreed = { officers: string; statement: Hash }
export type Made = { certificate: CompactJws; event: Omit<CertifiedEvent, keyof Agreed> }

export function fingerprintOf({ specialistKey, supportKey }: Pick<Person, 'specialistKey' | 'supportKey'>): string {
  return shortFingerprint({ specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) })
}

/** Before anybody is asked: an act that cannot be is refused with its reason. `wasOfficer`: names are not used twice. */
export function requirePossible(act: Act, { people, officers, rosterNumber, key, nextKey }: Standing, wasOfficer: (name: string) => boolean): void {
  const fail = (code: ConstructorParameters<typeof AppError>[0], details: Record<string, string | number>) => {
    throw new AppError(code, { details })
  }
  switch (act.kind) {
    case 'certify': {
      const { specialistId, username } = act.person
      if (fingerprintOf(act.person) !== act.fingerprint) fail('authority.fingerprint-differs', { fingerprint: fingerprintOf(act.person) })
      const known = people.get(specialistId)
      const namesake = [...people.values()].some((one) => one.username === username && one.specialistId !== specialistId)
      const before = known?.fingerprint ?? null
      if (act.replaces !== null && act.replaces !== before) fail('authority.person-unknown', { username })
      if (namesake || (act.replaces === null && before !== null && before !== act.fingerprint)) fail('authority.person-known', { username })
      return
    }
    case 'revoke':
      if (people.get(act.specialistId)?.username !== act.username) fail('authority.person-unknown', { username: act.username })
      return
    case 'server-keys':
      if (serverKeysFingerprint(act.keys) !== act.fingerprint) fail('authority.fingerprint-differs', { fingerprint: serverKeysFingerprint(act.keys) })
      return
    case 'rotate-key':
    case 'pin-key': {
      const mark = thumbprint(act.key)
      if (mark === key || (nextKey !== null && nextKey !== mark)) fail('authority.fingerprint-differs', { fingerprint: nextKey ?? mark })
      return
    }
    case 'add-officer':
      if (wasOfficer(act.name)) fail('authority.officer-known', { name: act.name })
      return
    case 'remove-officer':
      if (!officers.has(act.name)) fail('authority.officer-unknown', { name: act.name })
      if (officers.size <= minOfficers) fail('authority.too-few-officers', { min: minOfficers })
      return
    case 'restore':
      if (act.published < rosterNumber) fail('authority.state-older', { published: act.published })
  }
}

type Times = { at: number; expiresAt?: number }

export async function makeCertificate(person: Person, key: SigningKey, { at, expiresAt: end = at + validity.certificateDays * day }: Times): Promise<Made> {
  const payload = CertificatePayload.parse({ ...person, version: 1, issuedAt: at, expiresAt: end })
  const certificate = await signJws('certificate', payload, key)
  const { specialistId, username, issuedAt, expiresAt } = payload
  const marks = { specialistKey: thumbprint(person.specialistKey), supportKey: thumbprint(person.supportKey) }
  return { certificate, event: { specialistId, username, ...marks, issuedAt, expiresAt, certificate: sha256(certificate), fingerprint: fingerprintOf(person) } }
}

/** The same people with the same keys until the same day, under another key of the authority. */
export function certifyAgain(before: CertificatePayload, key: SigningKey, at: number): Promise<Made> {
  const { version: _, issuedAt: __, expiresAt, ...person } = before
  return makeCertificate(person, key, { at, expiresAt })
}

/** The list under the roster's number. */
export async function makeServerKeys(keys: ServerKeys | null, key: SigningKey, { number, at }: { number: number; at: number }): Promise<CompactJws | null> {
  return keys && signJws('server-keys', ServerKeysPayload.parse({ ...keys, version: 1, number, issuedAt: at }), key)
}

/** Who is certified after the act, in their time, sorted by name. */
export function listedAfter(act: Act, made: readonly Made[], { people }: Standing, at: number): Omit<CertifiedEvent, keyof Agreed>[] {
  const after = new Map<string, Omit<CertifiedEvent, keyof Agreed>>(people)
  for (const { event } of made) after.set(event.specialistId, event)
  for (const id of goneBy(act)) after.delete(id)
  return [...after.values()].filter(({ expiresAt }) => expiresAt > at).sort((a, b) => (a.username < b.username ? -1 : 1))
}

export function rosterOf(listed: readonly Omit<CertifiedEvent, keyof Agreed>[], number: number, at: number): RosterPayload {
  const specialists = listed.map(({ specialistId, username, specialistKey, supportKey }) => ({ specialistId, username, specialistKey, supportKey }))
  return { version: 1, number, issuedAt: at, expiresAt: at + validity.rosterDays * day, specialists }
}

/** Who is certified no more. */
function goneBy(act: Act): readonly string[] {
  if (act.kind === 'revoke') return [act.specialistId]
  return act.kind === 'restore' ? act.gone : []
}

/** What was published may have been signed after the copy was made: nobody may come back who was revoked meanwhile. */
export function restoreAct(published: RosterPayload, { people }: Standing): Act {
  const listed = new Set(published.specialists.map(({ specialistId, specialistKey, supportKey }) => `${specialistId} ${specialistKey} ${supportKey}`))
  const gone = [...people.values()].filter(({ specialistId, specialistKey, supportKey }) => !listed.has(`${specialistId} ${specialistKey} ${supportKey}`))
  return { kind: 'restore', published: published.number, gone: gone.map(({ specialistId }) => specialistId) }
}

/** In order; without the roster's, which every act ends with. */
export function eventsOf(act: Act, made: readonly Made[], agreed: Agreed): NewAuditEvent[] {
  const event = (kind: NewAuditEvent['kind'], data: NewAuditEvent['data']) => ({ kind, actor: { kind: 'authority' as const }, data: { ...data, ...agreed } })
  switch (act.kind) {
    case 'certify':
      return [event('specialist.certified', { ...made[0]?.event, ...(act.replaces === null ? {} : { replaces: act.replaces }) })]
    case 'revoke':
      return [event('specialist.revoked', { specialistId: act.specialistId, username: act.username, reason: act.reason })]
    case 'add-officer':
      return [event('officer.added', { officer: act.name, ...officerMarks(act) })]
    case 'remove-officer':
      return [event('officer.removed', { officer: act.name })]
    case 'restore':
      return [event('authority.restored', { published: act.published }), ...act.gone.map((specialistId) => event('specialist.revoked', { specialistId }))]
    case 'server-keys': {
      const { ticketKeys, deviceCas, revoked } = act.keys
      const counts = { ticketKeys: ticketKeys.length, deviceCas: deviceCas.length, revoked: revoked.length }
      return [event('server-keys.signed', { fingerprint: act.fingerprint, ...counts })]
    }
    case 'rotate-key': {
      const changed = event('authority.key-changed', { change: 'rotated', key: thumbprint(act.key), until: act.until })
      return [changed, ...made.map((one) => event('specialist.certified', one.event))]
    }
    case 'pin-key':
      return [event('authority.key-changed', { change: 'pinned', key: thumbprint(act.key) })]
    case 'retire-key':
      return [event('authority.key-changed', { change: 'retired', until: act.until })]
    case 'roster':
      return []
  }
}
