import { requestLimits } from '@gantry/shared/access-request.ts'
import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { type AccessLevel, accessLevels, type ServiceKind } from '@gantry/shared/profile.ts'

export type Draft = { access: AccessLevel | null; serviceKind: ServiceKind; caseId: string; minutes: number; reason: string; pin: string }
export type Missing = 'level' | 'caseId' | 'reason' | 'pin'

export const minuteChoices = [15, 30, 60, 120] as const

/** The level that was asked for last time is not kept: each request starts at the least that the profile and the device's rules leave open. */
export function emptyDraft(device: DeviceRow, access?: AccessLevel): Draft {
  const isOpen = (level: AccessLevel) => device.levels.includes(level) && device.rules?.[level] !== 'deny'
  const first = access && isOpen(access) ? access : accessLevels.find(isOpen)
  return { access: first ?? null, serviceKind: 'support', caseId: '', minutes: 60, reason: '', pin: '' }
}

/** The first thing that is missing, or null when it can be signed. */
export function missingIn(draft: Draft, needsPin = false): Missing | null {
  if (!draft.access) return 'level'
  if (!draft.caseId.trim()) return 'caseId'
  if (!draft.reason.trim()) return 'reason'
  return needsPin && draft.pin === '' ? 'pin' : null
}

export const maxReason = requestLimits.maxReasonCharacters
export const maxCase = requestLimits.maxCaseCharacters
