import type { Standing } from './standing.ts'

/** So long before its end a certificate or roster is named as due. */
const dueDays = { certificate: 14, roster: 4 } as const
const dayMs = 86_400_000

/** Who is an officer, who is certified until when, and what is due. Times as ISO 8601. */
export function describeStanding({ officers, people, rosterNumber, rosterExpiresAt, key, olderKeys, nextKey }: Standing, nowMs: number) {
  const stateOf = (expiresAt: number, days: number) => {
    if (expiresAt * 1000 <= nowMs) return 'expired'
    return expiresAt * 1000 - nowMs <= days * dayMs ? 'due' : 'good'
  }
  const until = (expiresAt: number) => new Date(expiresAt * 1000).toISOString()
  return {
    keys: [
      { fingerprint: key, state: 'in use' },
      ...olderKeys.map((older) => ({ fingerprint: older.key, state: older.until * 1000 < nowMs ? 'over' : 'beside', until: until(older.until) })),
      ...(nextKey === null ? [] : [{ fingerprint: nextKey, state: 'pinned' }]),
    ],
    officers: [...officers.keys()].sort(),
    specialists: [...people.values()].map(({ specialistId, username, fingerprint, expiresAt }) => ({
      ...{ specialistId, username, fingerprint, until: until(expiresAt), state: stateOf(expiresAt, dueDays.certificate) },
    })),
    roster: rosterExpiresAt === null ? null : { number: rosterNumber, until: until(rosterExpiresAt), state: stateOf(rosterExpiresAt, dueDays.roster) },
  }
}
