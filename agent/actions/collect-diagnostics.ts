import { statfs } from 'node:fs/promises'
import { freemem, release, totalmem, uptime } from 'node:os'
import type { Actions } from '@gantry/shared/actions.ts'
import type { Input, Output } from '@gantry/shared/contract.ts'
import { z } from 'zod'
import type { ActionContext } from './context.ts'
import { readLogTail } from './device-log.ts'
import { runService } from './run-service.ts'

type Name = 'diagnostics.collect'

const statusTimeoutMs = 5_000
const ServiceStatus = z.object({
  state: z.enum(['running', 'stopped', 'restarting']),
  since: z.iso.datetime().nullable(),
  restarts: z.number(),
  version: z.string().max(60).optional(),
})

/** R003: versions, uptime, disk, memory, the service's state and a log tail that holds no patient data. Changes nothing. */
export async function collectDiagnostics({ logLines }: Input<Actions, Name>, context: ActionContext): Promise<Output<Actions, Name>> {
  const { service, versions, filesRoot, now } = context
  const [state, disks, tail] = await Promise.all([serviceState(context), Promise.all(['/', filesRoot].map(diskOf)), readLogTail(service.log, logLines)])
  const { version, ...shown } = state
  return {
    collectedAt: new Date(now()).toISOString(),
    versions: { ...versions, kernel: release(), node: process.versions.node, ...(version ? { service: version } : {}) },
    uptimeSeconds: Math.trunc(uptime()),
    disk: disks.filter((disk) => disk !== null),
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    service: shown,
    ...tail,
  }
}

/** A service that cannot say how it is counts as stopped: that it is silent is the finding. */
async function serviceState({ service, signal }: ActionContext): Promise<z.infer<typeof ServiceStatus>> {
  try {
    return ServiceStatus.parse(await runService(service.status, { timeoutMs: statusTimeoutMs, signal }))
  } catch {
    return { state: 'stopped', since: null, restarts: 0 }
  }
}

async function diskOf(path: string): Promise<{ path: string; totalBytes: number; freeBytes: number } | null> {
  const space = await statfs(path).catch(() => null)
  // The root of the files is named as the specialist knows it; where it lies is the device's own affair.
  return space && { path: path === '/' ? 'system' : 'files', totalBytes: space.bsize * space.blocks, freeBytes: space.bsize * space.bavail }
}
