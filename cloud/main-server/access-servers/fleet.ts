import { BeatPayload, beatTiming, type Load, type Region } from '@gantry/shared/access-api.ts'
import { requestLimits } from '@gantry/shared/access-request.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { readUnverified, verifyJws } from '@gantry/shared/node/signing.ts'
import type { AccessServerRef, CompactJws, Hash } from '@gantry/shared/ticket.ts'
import type { ListedServer } from '../listed-servers.ts'

/** A server that a ticket may name now. */
export type Candidate = {
  ref: AccessServerRef
  region: Region
  weight: number
  /** How far its turn has come: each ticket adds 1 / weight. The lowest is next. */
  spent: number
  /** Busy, or not heard of since our own start: only where nothing better is there. */
  doubtful: boolean
}

/** Which access servers there are, and which of them are up. All in memory: after a start the next beats tell it again. */
export type Fleet = {
  /** One beat. Throws `access-server.unknown`, `access-server.facts-differ {field}`, `access.clock-off {seconds}`; `audit.unavailable`. */
  hear(beat: CompactJws): Promise<void>
  candidates(): Candidate[]
  /** A ticket names this one first. */
  noteTicket(name: string): void
  /** All that are listed, up or not, in these regions where any are named: what a device's firewall must let pass (R027). */
  endpoints(regions: readonly Region[] | null): AccessServerRef[]
  relist(list: readonly ListedServer[]): void
  /** Takes out what has been silent for too long. */
  lookForSilence(): void
}

export type FleetTools = {
  list: readonly ListedServer[]
  /** Whether this is the thumbprint (RFC 7638) of a ticket key of ours: one that an access server still knows us by may be over. */
  isThisServer: (to: Hash) => boolean
  append: (event: NewAuditEvent) => void
  /** Milliseconds. */
  now: () => number
}

type State = 'unheard' | 'up' | 'draining' | 'lost'
/** `heardMs`: when its last beat came, or since when we listen. */
type Member = { listed: ListedServer; state: State; heardMs: number; beatAtMs: number; load: Load | null; spent: number }

export function createFleet({ list, isThisServer, append, now }: FleetTools): Fleet {
  const startedMs = now()
  let members = new Map<string, Member>()

  const isUsable = ({ listed, state }: Member): boolean => {
    if (listed.weight <= 0) return false
    if (listed.key === null || state === 'up') return true
    return state === 'unheard' && now() - startedMs < beatTiming.lostAfterMs
  }
  /** Not behind the others' turns, or it would get everything until it has caught up. */
  const turnOfANewcomer = (among: ReadonlyMap<string, Member>): number => {
    const others = [...among.values()].filter(isUsable).map(({ spent }) => spent)
    return others.length > 0 ? Math.min(...others) : 0
  }
  const relist = (next: readonly ListedServer[]) => {
    const before = members
    members = new Map()
    for (const listed of next) {
      const known = before.get(listed.name)
      if (listed.key && !(known && sameText(known.listed, listed))) append(listedEvent(listed))
      const keeps = known !== undefined && sameText(identityOf(known.listed), identityOf(listed))
      const fresh: Member = { listed, state: 'unheard', heardMs: now(), beatAtMs: 0, load: null, spent: 0 }
      members.set(listed.name, keeps ? { ...known, listed } : { ...fresh, spent: turnOfANewcomer(before) })
    }
  }
  relist(list)

  const move = (member: Member, state: State, data: Record<string, number> = {}) => {
    const { name, site, region } = member.listed
    const kind = state === 'up' ? 'access-server.up' : state === 'draining' ? 'access-server.draining' : 'access-server.lost'
    const actor = state === 'lost' ? { kind: 'main-server' as const } : { kind: 'access-server' as const, name }
    append({ kind, actor, data: { name, site, region, ...data } })
    if (state === 'up') member.spent = Math.max(member.spent, turnOfANewcomer(members))
    member.state = state
  }

  return {
    async hear(jws) {
      const { server } = readUnverified(jws, BeatPayload, 'access-server.unknown')
      const member = members.get(server.name)
      const key = member?.listed.key
      if (!member || !key) throw new AppError('access-server.unknown')
      const beat = await verifyJws(jws, { type: 'beat', schema: BeatPayload, key, failure: 'access-server.unknown' })
      const off = Math.round((beat.atMs - now()) / 1_000)
      if (!isThisServer(beat.to) || beat.atMs <= member.beatAtMs) throw new AppError('access-server.unknown')
      if (Math.abs(off) > requestLimits.slackSeconds) throw new AppError('access.clock-off', { details: { seconds: off } })
      requireFacts(beat, member.listed)
      const next = beat.draining ? 'draining' : 'up'
      if (member.state !== next) move(member, next, { weight: member.listed.weight, pairs: beat.load.pairs })
      Object.assign(member, { heardMs: now(), beatAtMs: beat.atMs, load: beat.load })
    },
    candidates: () =>
      [...members.values()].filter(isUsable).map(({ listed, state, load, spent }) => ({
        ref: refOf(listed),
        region: listed.region,
        weight: listed.weight,
        spent,
        doubtful: listed.key !== null && (state === 'unheard' || isBusy(load)),
      })),
    noteTicket(name) {
      const member = members.get(name)
      if (member && member.listed.weight > 0) member.spent += 1 / member.listed.weight
    },
    endpoints: (regions) =>
      [...members.values()].filter(({ listed }) => regions === null || regions.includes(listed.region)).map(({ listed }) => refOf(listed)),
    relist,
    lookForSilence() {
      for (const member of members.values()) {
        // After this server's own clock was set back, silence counts from now: not from a time that has not come yet.
        member.heardMs = Math.min(member.heardMs, now())
        const silentMs = now() - member.heardMs
        if (member.listed.key && member.state !== 'lost' && silentMs >= beatTiming.lostAfterMs)
          move(member, 'lost', { silentSeconds: Math.round(silentMs / 1_000) })
      }
    },
  }
}

/** What it says of itself must be what the operator vouches for: region and address are promises to customers. */
function requireFacts(beat: BeatPayload, listed: ListedServer): void {
  const said = { ...beat.server, region: beat.region }
  for (const field of ['site', 'host', 'port', 'region'] as const) {
    if (said[field] !== listed[field]) throw new AppError('access-server.facts-differ', { details: { field } })
  }
}

/** Its one thread has no time left, or its places are nearly gone. Finer differences of load are left to the number of sessions, which does not flicker. */
function isBusy(load: Load | null): boolean {
  return load !== null && (load.loop > 0.9 || load.legs > 0.9 * load.maxLegs)
}

function refOf({ name, site, host, port }: ListedServer): AccessServerRef {
  return { name, site, host, port }
}

/** Who it is; with another weight it is still the same one. */
function identityOf({ weight: _, ...identity }: ListedServer): Omit<ListedServer, 'weight'> {
  return identity
}

function sameText(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function listedEvent({ name, site, region, host, port, weight }: ListedServer): NewAuditEvent {
  return { kind: 'access-server.listed', actor: { kind: 'main-server' }, data: { name, site, region, host, port, weight } }
}
