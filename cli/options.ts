import { requestLimits } from '@gantry/shared/access-request.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { AccessLevel, ServiceKind } from '@gantry/shared/profile.ts'
import { plainText } from '@gantry/shared/ticket.ts'
import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { usageError } from './exit-code.ts'

/** What a person typed after a command that opens a session; nothing is checked yet. */
export type TypedAsk = { access?: string; reason?: string; case?: string; minutes?: string; kind?: string; patientData?: boolean }
/** What is asked of the device (R077). */
export type Ask = { access: AccessLevel; serviceKind: ServiceKind; reason: string; caseId: string; minutes: number }
/** `patientData`: what may hold it is asked for once the session is open, and before anything else is done in it. */
export type AskSession = Ask & { patientData: boolean }
export type AskDefaults = { access: AccessLevel; minutes: number }

/** `run` takes the least level that its action needs. */
export const defaults = {
  run: { access: 'diagnostics', minutes: 15 },
  connect: { access: 'os', minutes: 60 },
  transfer: { access: 'files', minutes: 60 },
  'ssh-config': { access: 'os', minutes: 60 },
} as const satisfies Record<string, AskDefaults>

/**
 * Reason and case have no default: somebody reads the one at the device, and the audit names the other.
 * Throws `usage.bad` naming the option, or `access.reason-too-long`; nothing has been sent then.
 */
export function parseAsk(typed: TypedAsk, defaults: AskDefaults, words: CommandLineWords['usage']): AskSession {
  const missing = (['reason', 'case'] as const).filter((name) => typed[name] === undefined).map((name) => `--${name}`)
  if (missing.length > 0) throw usageError(words.missingOptions(missing.join(', ')), missing[0])
  if ((typed.reason ?? '').length > requestLimits.maxReasonCharacters) {
    throw new AppError('access.reason-too-long', { details: { max: requestLimits.maxReasonCharacters } })
  }
  const access = AccessLevel.safeParse(typed.access ?? defaults.access)
  if (!access.success) throw usageError(words.badLevel, '--access')
  const kind = ServiceKind.safeParse(typed.kind ?? 'support')
  if (!kind.success) throw usageError(words.badKind, '--kind')
  return {
    access: access.data,
    serviceKind: kind.data,
    reason: parseText(typed.reason ?? '', { option: '--reason', max: requestLimits.maxReasonCharacters }, words),
    caseId: parseText(typed.case ?? '', { option: '--case', max: requestLimits.maxCaseCharacters }, words),
    patientData: typed.patientData === true,
    minutes: parseMinutes(typed.minutes ?? String(defaults.minutes), words),
  }
}

/** One line that says something, within `max` characters; else `usage.bad` naming the option. */
export function parseText(text: string, { option, max }: { option: string; max: number }, words: CommandLineWords['usage']): string {
  if (text.trim() === '') throw usageError(words.emptyText(option), option)
  if (text.length > max) throw usageError(words.tooLong(option, max), option)
  if (!plainText(max).safeParse(text).success) throw usageError(words.badText(option), option)
  return text
}

function parseMinutes(text: string, words: CommandLineWords['usage']): number {
  const minutes = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (!(minutes >= requestLimits.minMinutes && minutes <= requestLimits.maxMinutes)) throw usageError(words.badMinutes, '--minutes')
  return minutes
}
