import { z } from 'zod'
import type { Contract } from './contract.ts'
import type { AccessLevel } from './profile.ts'

type Title = { en: string; fr: string }
type Action = { title: Title; access: AccessLevel; changes: boolean }

/**
 * All that a specialist can ask of a device over the subsystem `gantry-actions`: one request and answer per channel, as lines of JSON
 * ({"id":1,"name","input"} → {"id":1,"result":{…}}, 64 KiB each at most), then the channel closes.
 * The name is also the permission and the audit subject. `access` is the least level that holds it.
 */
export const actions = {
  'diagnostics.collect': {
    title: { en: 'Collect diagnostics', fr: 'Recueillir les diagnostics' },
    access: 'diagnostics',
    changes: false,
    input: z.strictObject({ logLines: z.number().int().min(0).max(500).default(100) }),
    output: z.object({
      collectedAt: z.iso.datetime(),
      versions: z.record(z.string(), z.string()),
      uptimeSeconds: z.number(),
      disk: z.array(z.object({ path: z.string(), totalBytes: z.number(), freeBytes: z.number() })),
      memory: z.object({ totalBytes: z.number(), freeBytes: z.number() }),
      service: z.object({ state: z.enum(['running', 'stopped', 'restarting']), since: z.iso.datetime().nullable(), restarts: z.number() }),
      /** Tail of the device's service log; lines that could hold patient data are replaced, and counted here. */
      log: z.array(z.string()),
      linesWithheld: z.number(),
    }),
  },
  'service.restart': {
    title: { en: 'Restart the device service', fr: 'Redémarrer le service de l’appareil' },
    access: 'application',
    changes: true,
    input: z.strictObject({ reason: z.string().min(3).max(200) }),
    output: z.object({ restartedAt: z.iso.datetime(), downMs: z.number() }),
  },
} satisfies Contract & Record<string, Action>

export type Actions = typeof actions
export type ActionName = keyof Actions
