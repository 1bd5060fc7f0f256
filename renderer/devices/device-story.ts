import { requestLimits } from '@gantry/shared/access-request.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { RequestProgress, SessionView } from '@gantry/shared/ipc.ts'
import { type AccessLevel, accessLevels } from '@gantry/shared/profile.ts'
import type { Speech } from '../ui/language.tsx'
import type { Tone } from '../ui/thread-model.ts'

/** Two lines for a person: why it is so, then what to do. Never a bare "unavailable" (design: principle 3). */
export type Story = { why: string; todo: string; tone: Tone | 'ink' }
export type Around = {
  nowMs: number
  /** Silent devices of each site, to say how many are gone together. */
  silentAtSite: ReadonlyMap<string, number>
  sessions: readonly SessionView[]
  requests: readonly RequestProgress[]
}

export function tell(device: DeviceRow, around: Around, { words, format }: Speech): Story {
  const { why: reasons, todo } = words.devices
  const { why, sinceMs } = device.reach
  const { nowMs } = around
  switch (why) {
    case 'in-session':
    case 'waiting':
      return tellTaken(device, around, { words, format })
    case 'reachable':
      return { why: device.instantPickup ? reasons.instant : reasons.reachable, todo: tellRules(device, words), tone: 'ink' }
    case 'silent':
      return { why: reasons.silent(since(sinceMs ?? device.lastContactMs, nowMs, format)), todo: todo.silent, tone: 'ink' }
    case 'site-silent': {
      const count = format.number(around.silentAtSite.get(device.site.id) ?? 1)
      return { why: reasons.siteSilent(format.age(nowMs - (sinceMs ?? nowMs)), count), todo: todo.siteSilent, tone: 'danger' }
    }
    case 'never-seen':
      return { why: reasons.neverSeen, todo: todo.neverSeen, tone: 'ink' }
    case 'connectivity-off':
      return { why: reasons.connectivityOff, todo: todo.connectivityOff, tone: 'ink' }
    case 'clock-off':
      return { why: reasons.clockOff, todo: todo.clockOff, tone: 'danger' }
    case 'two-places':
      return { why: reasons.twoPlaces, todo: todo.twoPlaces, tone: 'danger' }
    case 'entitlement-ended':
      return {
        why: device.entitlement ? reasons.entitlementEnded(format.date(device.entitlement.endsOn)) : reasons.notEntitled,
        todo: todo.entitlement,
        tone: 'ink',
      }
    case 'no-level':
      return { why: reasons.noLevel, todo: todo.noLevel, tone: 'ink' }
    case 'disabled':
      return { why: reasons.disabled, todo: todo.disabled, tone: 'ink' }
  }
}

/** The main server tells of a silence within this time, and not of each poll: an older contact of a device that is not said to be silent is one that nobody told of. */
const silenceToldMs = 90_000

/** The age of the device's last word in ms, or a word for it: a held poll has no age. */
export function lastWord(
  { lastContactMs, instantPickup, reach: { why } }: DeviceRow,
  nowMs: number,
  isOffline: boolean,
): number | 'never' | 'now' | 'held' | 'recent' {
  if (lastContactMs === null) return 'never'
  const ageMs = nowMs - lastContactMs
  if (isOffline) return ageMs
  if (why === 'in-session') return 'now'
  const isHeard = why === 'reachable' || why === 'waiting' || why === 'connectivity-off' || why === 'clock-off'
  if (isHeard && instantPickup && why !== 'connectivity-off') return 'held'
  return isHeard && ageMs > silenceToldMs ? 'recent' : ageMs
}

function tellTaken(device: DeviceRow, { nowMs, sessions, requests }: Around, { words, format }: Pick<Speech, 'words' | 'format'>): Story {
  const { why, todo } = words.devices
  const isOpen = device.reach.why === 'in-session'
  const open = device.openRequest
  if (open && !open.mine) {
    return { why: isOpen ? why.taken(open.specialist) : why.askedBy(open.specialist), todo: todo.askThem(open.specialist), tone: isOpen ? 'live' : 'wait' }
  }
  const session = sessions.find(({ device: { id }, state }) => id === device.id && state === 'open')
  if (isOpen) return { why: session ? why.inSession(format.age(session.endsMs - nowMs)) : why.inSessionPlain, todo: todo.open, tone: 'live' }
  const request = requests.find(({ requestId }) => requestId === open?.requestId)
  const asked = request?.answerBeforeMs
  if (!asked) return { why: why.asked, todo: todo.follow, tone: 'wait' }
  const limit = requestLimits.answerSeconds * 1_000
  return { why: why.waiting(format.countdown(limit - Math.max(0, asked - nowMs)), format.countdown(limit)), todo: todo.call, tone: 'wait' }
}

function tellRules({ rules, levels }: DeviceRow, words: Speech['words']): string {
  const { todo } = words.devices
  if (!rules) return todo.noRules
  const open = accessLevels.filter((level) => levels.includes(level) && rules[level] !== 'deny')
  const allowed = open.filter((level) => rules[level] === 'allow')
  if (open.length === 0) return todo.allDeny
  if (allowed.length === accessLevels.length) return todo.allAllow
  if (allowed.length === open.length) return todo.allowedOnly(named(allowed, words))
  if (allowed.length > 0) return todo.allowed(named(allowed, words))
  return open.length === accessLevels.length ? todo.allAsk : todo.asks(named(open, words))
}

function named(levels: readonly AccessLevel[], words: Speech['words']): string {
  const text = levels.map((level) => words.levels[level].short).join(', ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The time of day where it was today, else the day too. */
function since(ms: number | null, nowMs: number, format: Speech['format']): string {
  if (ms === null) return '—'
  const isToday = new Date(ms).toDateString() === new Date(nowMs).toDateString()
  return isToday ? format.timeInSentence(ms) : `${format.dayOf(ms)}, ${format.timeInSentence(ms)}`
}
