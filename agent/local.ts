import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { requestLimits } from '@gantry/shared/access-request.ts'
import type { AllowList } from '@gantry/shared/allow-list.ts'
import type { Policy } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { openAuditLog } from '@gantry/shared/node/audit-log.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { createRequestMemory, lostMemory, MemoryState, newMemory, type RequestMemory } from './access/memory.ts'
import type { LoadedPolicy } from './access/policy-file.ts'
import { createPolicySwitch, lostSwitch, type PolicySwitch, SwitchState, switchedOn } from './access/policy-switch.ts'
import { allowListOfDevice, createAllowedDial } from './allowed-dial.ts'
import { type Audit, createAudit } from './audit.ts'
import { BulletinKey, noBulletinKey } from './bulletin.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { DataFileVersions } from './data-files.ts'
import { emptyInbox, InboxState } from './deliveries.ts'
import { type IdentityStore, openIdentity } from './identity.ts'
import type { Log } from './log.ts'
import { emptyOutbox, OutboxState } from './outbox.ts'
import { openStateFile, type StateFile } from './state-file.ts'
import { lockState } from './state-lock.ts'
import { createWayOut, type WayOut } from './way-out.ts'

/** What lies on the device's own disk, opened once at start and closed at the end. Nothing here needs a network. */
export type Local = {
  config: Config
  /** Every host that this device may reach, as far as it knows now. */
  allowList(): AllowList
  /** The way out of this device, for all it sends: to hosts of that list only. */
  dial: Dial
  isProxied: WayOut['isProxied']
  identity: IdentityStore
  audit: Audit
  memory: RequestMemory
  policySwitch: PolicySwitch
  inbox: StateFile<InboxState>
  outbox: StateFile<OutboxState>
  bulletinKey: StateFile<BulletinKey>
  versions: StateFile<Record<string, number>>
  onLost: (what: string) => void
  /** State files that could not be read, up to now. */
  lost(): readonly string[]
  close(): void
}

export type LocalWith = {
  clock: Clock
  log: Log
  onAudited: () => void
  /** Which of the servers that this device knows its policy lets it reach. */
  servers: () => Policy['servers']
}

/**
 * Throws `state.in-use` for a second agent of the same folder, `state.unwritable {path, reason}`, `state.unreadable {path}` where going on would be a guess: no CA, no identity; `proxy.setting-bad`. Every other
 * file that cannot be read is moved aside and reported, and what it guarded stays closed.
 */
export function openLocal(config: Config, { clock, log, onAudited, servers }: LocalWith): Local {
  const { stateDir } = config
  const unlock = writing(stateDir, () => {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 })
    return lockState(stateDir)
  })
  try {
    const lost: string[] = []
    const onLost = (what: string) => {
      lost.push(what)
      log.error({ what }, 'state file unreadable, moved aside')
    }
    const identity = writing(stateDir, () => openIdentity(stateDir, onLost))
    const file = (name: string) => ({ path: join(stateDir, name), onLost })
    const audit = createAudit({
      open: () => openAuditLog({ folder: stateDir, key: identity.keys.audit, party: config.deviceName, keepsPrivate: true, now: clock.now }),
      onWritten: onAudited,
      about: () => {
        const deviceId = identity.enrolment()?.deviceId
        return deviceId ? { deviceId } : {}
      },
      clock,
      log,
    })
    const wayOut = createWayOut(config)
    const allowList = () => allowListOfDevice(config, identity.enrolment(), servers())
    const dial = createAllowedDial(wayOut.dial, { allowList, audit: audit.note, log })
    // Without this memory a spent ticket would look fresh, so every ticket issued up to now counts as spent.
    const afterLoss = () => lostMemory(clock.now(), requestLimits.slackSeconds)
    const enrolled = identity.enrolment() !== null
    const requests = openStateFile({ ...file('requests.json'), schema: MemoryState, initial: newMemory, afterLoss, expected: enrolled })
    return {
      config,
      allowList,
      dial,
      isProxied: wayOut.isProxied,
      identity,
      audit,
      memory: createRequestMemory(requests),
      policySwitch: createPolicySwitch(openStateFile({ ...file('switch.json'), schema: SwitchState, initial: switchedOn, afterLoss: lostSwitch })),
      inbox: openStateFile({ ...file('inbox.json'), schema: InboxState, initial: emptyInbox }),
      outbox: openStateFile({ ...file('outbox.json'), schema: OutboxState, initial: emptyOutbox }),
      bulletinKey: openStateFile({ ...file('bulletin.json'), schema: BulletinKey, initial: noBulletinKey }),
      versions: openStateFile({ ...file('data-files.json'), schema: DataFileVersions, initial: () => ({}) }),
      onLost,
      lost: () => lost,
      close() {
        audit.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Without a folder of its own, or keys that stay, an agent does not begin: what it could not keep would be forgotten. Throws `state.unwritable {path, reason}`. */
function writing<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AppError || !(error instanceof Error && 'code' in error)) throw error
    throw new AppError('state.unwritable', { cause: error, details: { path, reason: String(error.code) } })
  }
}

/** What the log says about a policy: public, since it holds no name and no path. */
export function describePolicy({ policy, from, fault, serial, owner, digest }: LoadedPolicy): Record<string, string | number | boolean> {
  const { rules, connectivity, instantPickup, strict, bulletin, requestsPerHour } = policy
  const why = { ...(fault ? { fault } : {}), ...(owner ? { owner } : {}) }
  return { from, ...why, serial, digest, connectivity, instantPickup, strict, bulletin, requestsPerHour, ...rules }
}
