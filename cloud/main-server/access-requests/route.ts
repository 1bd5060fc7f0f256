import type { Region } from '@gantry/shared/access-api.ts'
import type { AccessServerRef } from '@gantry/shared/ticket.ts'
import type { Regions } from '../seed.ts'

export type Route = { accessServer: AccessServerRef; fallback: AccessServerRef | null; region: Region; fallbackRegion: Region | null }

/** An access server that is up. `spent` says how far its turn has come: each ticket adds 1 / weight, and the lowest is next. */
export type Candidate = { ref: AccessServerRef; region: Region; weight: number; spent: number; doubtful: boolean }

/**
 * R028: exactly one access server and its fallback, or null where none is allowed (R056) or up. Looked at in this order: not doubtful; near (the order of the customer's list); fewest sessions for its
 * weight, where one session more than the least counts as no more; whose turn it is. So two equals get half each (R029), also when every session is over before the next begins and when one device's
 * sessions are shorter than another's, and a weight counts from the next ticket on. The fallback is the next one, at another site where there is one (R026).
 */
export function chooseRoute(candidates: readonly Candidate[], sessionsAt: ReadonlyMap<string, number>, regions: Regions | null): Route | null {
  const near = regions?.near ?? []
  const farness = ({ region }: Candidate) => (near.includes(region) ? near.indexOf(region) : near.length)
  const load = ({ ref, weight }: Candidate) => (sessionsAt.get(ref.name) ?? 0) / weight
  const within = candidates.filter(({ region }) => !regions?.only || near.includes(region))
  const byWorth = (one: Candidate, other: Candidate) => Number(one.doubtful) - Number(other.doubtful) || farness(one) - farness(other)
  const burden = (one: Candidate) => {
    const least = Math.min(...within.filter((other) => byWorth(one, other) === 0).map(load))
    return load(one) <= least + 1 / one.weight ? least : load(one)
  }
  const allowed = within.toSorted((one, other) => byWorth(one, other) || burden(one) - burden(other) || one.spent - other.spent)
  const [first] = allowed
  if (!first) return null
  const others = allowed.slice(1)
  const fallback = others.find(({ ref }) => ref.site !== first.ref.site) ?? others[0]
  return { accessServer: first.ref, fallback: fallback?.ref ?? null, region: first.region, fallbackRegion: fallback?.region ?? null }
}

/** For the audit: by name and by site, as people read them (R026). */
export function describeRoute({ accessServer, fallback, region, fallbackRegion }: Route): Record<string, string> {
  const first = { accessServer: accessServer.name, site: accessServer.site, region }
  return fallback ? { ...first, fallback: fallback.name, fallbackSite: fallback.site, fallbackRegion: fallbackRegion ?? '' } : first
}
