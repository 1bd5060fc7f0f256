import type { Duplex } from 'node:stream'
import type { EndCause } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { includesLevel, runsPrograms } from '@gantry/shared/profile.ts'
import { type DeviceFiles, openDeviceFiles } from '../files/device-files.ts'
import { createZones } from '../files/zones.ts'
import { coverRestricted } from './cover.ts'
import type { Grant, SessionTools } from './grant.ts'
import { createLife } from './life.ts'
import { createSessionNetwork } from './network.ts'
import { watchProcesses } from './processes.ts'
import { createRecord } from './record.ts'
import { type Ground, runSession } from './run-session.ts'
import { prepareSeparation, type Separation } from './separation.ts'

export type OpenSession = { grant: Grant; tools: SessionTools; signal: AbortSignal }

/**
 * Runs one approved session from the first dial to the last killed process, and resolves with why it ended.
 * It ends by `signal` (whose `reason` is an `EndCause`), the granted minutes (counted from the first joined byte), idleness, the specialist,
 * or the loss of the control leg. Rejects only if it never began: with the code of the dial (`leg.*`, `server.unreachable`), `audit.unavailable`,
 * `file.not-found` (the files' root), `access.restricted-open`, `prerequisite.missing` (setpriv, unshare), or `session.ended` when `signal` was aborted before the legs were joined.
 */
export async function openSession({ grant, tools, signal }: OpenSession): Promise<EndCause> {
  const life = createLife(signal)
  let separation: Separation | null = null
  const record = createRecord({ ...tools, grant, now: tools.now ?? Date.now, end: life.end })
  const network = createSessionNetwork({
    ...{ record, log: tools.log, now: tools.now ?? Date.now },
    onInterrupted: (interrupted) => tools.tellPanel({ type: 'session.changed', requestId: grant.request.id, change: { interrupted } }),
  })
  // Somebody waits for the prompt: the way out is dialled while the ground is made ready. Nothing is served before both are there.
  const dialling = dialFirst({ tools, network, life })
  dialling.catch(() => undefined)
  try {
    separation = await (tools.separate?.() ?? prepareSeparation(tools.config))
    const { filesRoot } = tools.config
    const { restricted } = grant.policy.files
    const zones = createZones(grant.policy.files)
    const files = await openFiles({ grant, tools, separation, record, zones })
    try {
      const hidden = runsPrograms(grant.request.access) ? restricted : []
      const cover = await coverRestricted({ separation, mark: grant.request.id, filesRoot, restricted: hidden })
      // Before the wait for the other end, and before any program of the session.
      const processes = watchProcesses({ mark: grant.request.id, separatedUid: separation.separated ? separation.user.uid : null })
      const first = await dialling
      return await runSession({ grant, tools, life, network, separation, record, files, zones, cover, first, processes })
    } finally {
      await files?.close()
    }
  } finally {
    void dialling.then(
      (leg) => leg.destroy(),
      () => undefined,
    )
    separation?.close()
    life.close()
  }
}

async function dialFirst({ tools, network, life: { signal } }: Pick<Ground, 'tools' | 'network' | 'life'>): Promise<Duplex> {
  try {
    signal.throwIfAborted()
    const leg = await tools.openLeg('control-1', { signal, onNetwork: network.change })
    if (!signal.aborted) return leg
    leg.destroy()
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw new AppError('session.ended')
}

type FilesOptions = Pick<Ground, 'grant' | 'tools' | 'separation' | 'record' | 'zones'>

async function openFiles({ grant, tools, separation, record, zones }: FilesOptions): Promise<DeviceFiles | null> {
  if (!includesLevel(grant.request.access, 'files')) return null
  const { uid, gid } = separation.user
  return openDeviceFiles({
    root: tools.config.filesRoot,
    account: separation.separated ? { uid, gid } : null,
    rules: grant.policy.files,
    zones,
    record: record.file,
  })
}
