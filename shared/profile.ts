import { z } from 'zod'

/**
 * What a specialist may do on a device, from least to most (architecture 2.8):
 * `diagnostics` actions that change nothing · `files` those plus files · `application` those plus the service menu · `os` all plus shell and exec.
 */
export const accessLevels = ['diagnostics', 'files', 'application', 'os'] as const
export const AccessLevel = z.enum(accessLevels)
export type AccessLevel = z.infer<typeof AccessLevel>

/** True when `granted` holds what `needed` asks for: each level holds those before it. */
export function includesLevel(granted: AccessLevel, needed: AccessLevel): boolean {
  return accessLevels.indexOf(granted) >= accessLevels.indexOf(needed)
}

/** Whether who has this level can meet records of patients: names of files, a screen, a database. Actions of `diagnostics` tell nothing of the kind (R072). */
export function meetsPatientData(level: AccessLevel): boolean {
  return level !== 'diagnostics'
}

/** Whether programs of the device run in it: the service menu, a shell. */
export function runsPrograms(level: AccessLevel): boolean {
  return includesLevel(level, 'application')
}

/** Which way files may go, and how large each may be, in bytes. */
export const FilesLimits = z.strictObject({
  toDevice: z.boolean(),
  fromDevice: z.boolean(),
  maxFileBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
})
export type FilesLimits = z.infer<typeof FilesLimits>

/** What of a profile goes along with a session; the device takes the narrower of this and its own policy (R072, R073). */
export const ProfileLimits = z.strictObject({
  files: FilesLimits,
  /** Names of `actions.ts`; `'*'`: every one that the level holds. */
  actions: z.union([z.literal('*'), z.array(z.string().max(60)).max(100)]),
  patientData: z.boolean(),
})
export type ProfileLimits = z.infer<typeof ProfileLimits>

/** R002: the five kinds of service. */
export const ServiceKind = z.enum(['installation', 'monitoring', 'support', 'maintenance', 'update'])
export type ServiceKind = z.infer<typeof ServiceKind>

/** A device's own rule for an access level; `typed` means: the matching code must be typed in at the panel (R080). */
export const LevelRule = z.enum(['deny', 'ask', 'ask-typed', 'allow'])
export type LevelRule = z.infer<typeof LevelRule>
export const LevelRules = z.object({ diagnostics: LevelRule, files: LevelRule, application: LevelRule, os: LevelRule })
export type LevelRules = z.infer<typeof LevelRules>

export const EntitlementKind = z.enum(['agreement', 'warranty', 'per-call'])
export type EntitlementKind = z.infer<typeof EntitlementKind>
