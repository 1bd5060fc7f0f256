import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { defaultPolicy, maxPolicyBytes, Policy, type PolicyFault } from '@gantry/shared/device-policy.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { readJsonFileIfThere } from '@gantry/shared/node/json-file.ts'
import { readPolicyText } from '@gantry/shared/node/signed-policy.ts'
import { sha256, thumbprint } from '@gantry/shared/node/signing.ts'
import { Hash, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { readTwin, writeTwin } from '../state-file.ts'
import { closedPolicy } from './policy.ts'

/**
 * Which policy the device goes by (decision 20). The file is the customer's; what it must be signed with, and how far it has come, the device keeps for itself. Whatever
 * is wrong with it closes every level: nothing is guessed, and an older file is not gone back to.
 */
export type LoadedPolicy = {
  policy: Policy
  /** `closed`: see `fault`. */
  from: 'file' | 'defaults' | 'closed'
  fault: PolicyFault | null
  serial: number
  digest: string
  /** Who may sign the next one: thumbprint of the key; null while the device has never seen a policy. */
  owner: Hash | null
}

/** What the device keeps. The first policy that it sees pins `owner`; from then on the file alone decides nothing. */
const Kept = z.strictObject({
  version: z.literal(1),
  owner: PublicJwk.nullable(),
  serial: z.number().int().min(0),
  /** Of the text that was accepted last: it needs no signature again, which a change of owner would no longer give it. */
  digest: Hash.nullable(),
  connectivity: Policy.shape.connectivity,
})
type Kept = z.infer<typeof Kept>
const nothingKept: Kept = { version: 1, owner: null, serial: 0, digest: null, connectivity: 'on' }

export type PolicyFileOptions = {
  /** The customer's file. */
  path: string
  stateDir: string
  /** Null before its enrolment. */
  deviceId: () => DeviceId | null
  onLost: (what: string) => void
}
export type FollowPolicy = PolicyFileOptions & {
  signal: AbortSignal
  onChange: (loaded: LoadedPolicy) => void
  /** How often the file is looked at, ms. */
  lookEveryMs?: number
}

/**
 * Reads the policy now and again whenever the file, or what is kept of it, changes. It is looked at once a second rather than watched: a rename onto the file, as
 * editors and configuration tools do, ends an inotify watch unseen.
 */
export function followPolicy({ signal, onChange, lookEveryMs = 1_000, ...file }: FollowPolicy): LoadedPolicy {
  const stamp = () => `${stampOf(file.path)} ${stampOf(keptIn(file.stateDir))}`
  const first = loadPolicy(file)
  let [seen, { digest }] = [stamp(), first]
  const timer = setInterval(() => {
    if (stamp() === seen) return
    const loaded = loadPolicy(file)
    seen = stamp()
    if (loaded.digest === digest) return
    digest = loaded.digest
    onChange(loaded)
  }, lookEveryMs)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  return first
}

/** Reads the policy, and keeps what must never step back. What cannot be kept is not gone by. */
export function loadPolicy({ onLost, ...options }: PolicyFileOptions): LoadedPolicy {
  const path = keptIn(options.stateDir)
  const found = attempt(() => readTwin({ path, schema: Kept, onLost }))
  const { loaded, keep } = judge(options, found)
  if (keep === null) return loaded
  try {
    writeTwin(path, keep)
  } catch {
    // Not remembered, it could be taken back unseen. It is tried again when the file changes, or the agent starts.
    if (loaded.from === 'file') return closed('forgotten', 'off', loaded)
  }
  return loaded
}

/** The same without leaving a trace: for a look beside a living agent. */
export function readPolicy(options: Omit<PolicyFileOptions, 'onLost'>): LoadedPolicy {
  const path = keptIn(options.stateDir)
  const read = (file: string) => attempt(() => readJsonFileIfThere(file, Kept))
  const first = read(path)
  return judge(options, first === null || first === 'bad' ? (read(`${path}.copy`) ?? first) : first).loaded
}

/** For a device whose policy key or memory was lost: the next policy that it sees is taken as its first. Only who may write the agent's state can do this. */
export function forgetPolicy(stateDir: string): void {
  writeTwin(keptIn(stateDir), nothingKept)
}

function judge({ path, deviceId }: Pick<PolicyFileOptions, 'path' | 'deviceId'>, found: Kept | null | 'bad'): { loaded: LoadedPolicy; keep: Kept | null } {
  const text = readText(path)
  const digest = sha256(text ?? '')
  // A device that was enrolled has started before, and kept something then.
  if (found === 'bad' || (found === null && deviceId() !== null)) return { loaded: closed('forgotten', 'off', { digest, serial: 0, owner: null }), keep: null }
  const kept = found ?? nothingKept
  const first = found ? null : nothingKept
  const known = { serial: kept.serial, owner: kept.owner && thumbprint(kept.owner) }
  // Where no good policy was ever seen, not a packet goes out either: the customer may have said so.
  const fault = (which: PolicyFault) => ({ loaded: closed(which, kept.serial > 0 ? kept.connectivity : 'off', { ...known, digest }), keep: first })
  if (text === null) {
    if (kept.serial > 0) return fault('missing')
    return { loaded: { ...known, policy: defaultPolicy, from: 'defaults', fault: null, digest: 'defaults' }, keep: first }
  }
  const read = readPolicyText(text)
  if (read.kind === 'fault') return fault(read.fault)
  const { serial, owner, device, policy } = read.statement
  const isNew = digest !== kept.digest
  if (isNew && !read.isSignedBy(kept.owner ?? owner)) return fault('signature')
  if (device !== null && device !== deviceId()) return fault('other-device')
  if (isNew && serial <= kept.serial) return fault('older')
  const keep: Kept = { version: 1, owner, serial, digest, connectivity: policy.connectivity }
  return { loaded: { policy, from: 'file', fault: null, serial, digest, owner: thumbprint(owner) }, keep: isNew ? keep : null }
}

function attempt(read: () => Kept | null): Kept | null | 'bad' {
  try {
    return read()
  } catch {
    return 'bad'
  }
}

function closed(
  fault: PolicyFault,
  connectivity: Policy['connectivity'],
  { serial, owner, digest }: Pick<LoadedPolicy, 'serial' | 'owner' | 'digest'>,
): LoadedPolicy {
  return { policy: closedPolicy(connectivity), from: 'closed', fault, serial, owner, digest: `${fault} ${digest}` }
}

/** Until it was read. */
export const unreadPolicy: LoadedPolicy = closed('missing', 'off', { serial: 0, owner: null, digest: 'unread' })

function keptIn(stateDir: string): string {
  return join(stateDir, 'policy-kept.json')
}

/** Null where there is no such file; empty where it cannot be read as one. */
function readText(path: string): string | null {
  try {
    const stat = statSync(path)
    // A pipe or a device in its place would hold this process for ever.
    if (!stat.isFile() || stat.size > maxPolicyBytes) return ''
    return readFileSync(path, 'utf8')
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? null : ''
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return 'none'
  }
}
