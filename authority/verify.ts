import type { AuditLine } from '@gantry/shared/audit.ts'
import { canonicalJson } from '@gantry/shared/canonical-json.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { Hash } from '@gantry/shared/ticket.ts'
import { eventsOf } from './acts.ts'
import { officerMarks, readOfficerIfThere } from './officers.ts'
import { applyEvent, emptyStanding, type Standing } from './standing.ts'
import { type Act, type OfficerName, readStatement, type Statement } from './statement.ts'

/** What only a statement of two officers makes happen. */
const agreedKinds = new Set([
  'officer.added',
  'officer.removed',
  'specialist.certified',
  'specialist.revoked',
  'roster.signed',
  'server-keys.signed',
  'authority.key-changed',
  'authority.restored',
])

/**
 * Every event that needed two officers against the statement that they signed: both signatures, by two who were officers then, at that place of this log,
 * and saying what the event says. Throws `audit.broken {line}` for the first that does not hold. Returns how many statements there are.
 */
export async function verifyStatements(folders: { authority: string; statements: string }, lines: Iterable<AuditLine>): Promise<number> {
  const standing = emptyStanding()
  const seen = new Set<string>()
  for (const line of lines) {
    const { kind, data } = line.event
    // The first officers made the authority: before its first roster nobody could have agreed.
    const founding = kind === 'officer.added' && seen.size === 0 && data?.statement === undefined
    if (agreedKinds.has(kind) && !founding) {
      const hash = Hash.safeParse(data?.statement)
      const found = hash.success ? await readStatement(folders.statements, hash.data, (name) => keyOf(folders.authority, standing, name)) : null
      if (!found || found.officers.join(' ') !== data?.officers || !says(found.statement, line, standing)) {
        throw new AppError('audit.broken', { details: { line: line.seq } })
      }
      seen.add(String(data?.statement))
    }
    applyEvent(standing, kind, data)
  }
  return seen.size
}

/** Of whoever is an officer by then, as the log named the key. */
function keyOf(folder: string, { officers }: Standing, name: OfficerName) {
  const [file, known] = [readOfficerIfThere(folder, name), officers.get(name)]
  return file && known && officerMarks(file).signingKey === known.signingKey ? file.signingKey : null
}

function says({ act, number, seq }: Statement, { event, seq: place }: AuditLine, { people }: Standing): boolean {
  const { kind, data } = event
  if (seq >= place) return false
  if (kind === 'roster.signed') return data?.number === number
  if (kind === 'specialist.certified') {
    const meant = certifiedBy(act, people, String(data?.specialistId))
    return meant !== null && Object.entries(meant).every(([name, value]) => data?.[name] === value)
  }
  const meant = eventsOf(act, [], { officers: String(data?.officers), statement: data?.statement as Hash })
  return meant.some((one) => one.kind === kind && canonicalJson(one.data) === canonicalJson(data))
}

/** Who is certified by this act: a person with new keys, or, under another key of the authority, whoever was certified before, with the same. */
function certifiedBy(act: Act, people: Standing['people'], specialistId: string) {
  if (act.kind === 'rotate-key') {
    const known = people.get(specialistId as never)
    return known ? { username: known.username, specialistKey: known.specialistKey, supportKey: known.supportKey, expiresAt: known.expiresAt } : null
  }
  if (act.kind !== 'certify') return null
  const { username, specialistKey, supportKey } = act.person
  return { specialistId: act.person.specialistId, username, specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) }
}
