import { join } from 'node:path'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { LicencesPayload, licensedFeatures } from '@gantry/shared/licences.ts'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { verifyByAny } from '@gantry/shared/node/signing.ts'
import type { TicketKeys } from '@gantry/shared/server-keys.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { auditOnce } from './audit-once.ts'
import { type Clock, unixSeconds } from './clock.ts'
import type { Log } from './log.ts'
import { readTwin, writeTwin } from './state-file.ts'

/** What this device holds as licensed (R011): the main server's newest word, of which the days that have passed are taken off by the device's own clock. */
export type Licences = {
  /** Of the newest that was accepted; 0 for none. */
  number(): number
  /** As reported with each poll. A change is audited, and written to the file for the device's own software. */
  features(): string[]
  /** Takes it over, or audits once why not. Never throws: nothing else in a poll waits for it. */
  accept(jws: CompactJws): Promise<void>
}
export type LicencesWith = {
  stateDir: string
  deviceId: DeviceId
  ticketKeys: TicketKeys
  /** `{"features": […]}`, readable by everybody on the device; null: none is written. */
  licensedFile: string | null
  onLost: (what: string) => void
  audit: (event: NewDeviceEvent) => unknown
  clock: Clock
  log: Log
}

/** `features`: as last told. What the disk says was checked when it came; it opens nothing, and the disk is the device's own. */
const File = z.strictObject({ version: z.literal(1), payload: LicencesPayload, features: z.array(z.string()) })

export function openLicences({ stateDir, deviceId, ticketKeys, licensedFile, onLost, audit, clock, log }: LicencesWith): Licences {
  const path = join(stateDir, 'licences.json')
  let kept = readKept(path, onLost)
  const refuse = auditOnce(audit)

  /** Once after each start, on each change, and again after the disk refused it. */
  let told: string | null = null
  const tell = (features: string[]) => {
    if (licensedFile === null || told === features.join()) return
    writeJsonFile(licensedFile, { features }, 0o644)
    told = features.join()
  }
  const keep = (payload: LicencesPayload) => {
    const features = licensedFeatures(payload.subscriptions, clock.now())
    const before = kept?.features ?? []
    const isNews = kept?.payload !== payload || before.join() !== features.join()
    kept = { version: 1, payload, features }
    try {
      if (isNews) writeTwin(path, kept)
      tell(features)
    } catch (error) {
      log.warn({ reason: String(error) }, 'licences not kept')
    }
    if (before.join() !== features.join())
      audit({ kind: 'licences.changed', actor: { kind: 'agent' }, data: { number: payload.number, features: features.join(' ').slice(0, 500) } })
  }
  const take = async (jws: CompactJws) => {
    const payload = await verifyByAny(jws, { type: 'licences', schema: LicencesPayload, keys: ticketKeys(unixSeconds(clock)), failure: 'server.answer-bad' })
    if (payload.deviceId !== deviceId) throw new AppError('contract.bad-input', { details: { field: 'deviceId' } })
    const least = kept?.payload.number ?? 0
    if (payload.number < least) throw new AppError('contract.bad-input', { details: { field: 'number', known: least } })
    if (payload.number > least) keep(payload)
  }
  return {
    number: () => kept?.payload.number ?? 0,
    features() {
      if (kept) keep(kept.payload)
      return kept?.features ?? []
    },
    async accept(jws) {
      try {
        await take(jws)
      } catch (error) {
        refuse(jws, { kind: 'licences.refused', actor: { kind: 'agent' }, data: { ...toFailure(error).details, code: toFailure(error).code } })
      }
    },
  }
}

function readKept(path: string, onLost: (what: string) => void): z.infer<typeof File> | null {
  try {
    return readTwin({ path, schema: File, onLost })
  } catch {
    // Both copies are bad: nothing is licensed until it comes again with the next poll.
    onLost('licences.json')
    return null
  }
}
