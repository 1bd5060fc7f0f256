import { Policy } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'

/**
 * `rules.os=deny`, `requestsPerHour=2`, `countries=["CA"]`: the policy with these members set. A value is JSON, else text. Nothing is changed by halves: throws
 * `policy.setting-bad {name}` for a name that the policy does not have or a value that does not fit.
 */
export function withSettings(policy: Policy, settings: readonly string[]): Policy {
  const changed: Record<string, unknown> = structuredClone(policy)
  for (const setting of settings) setOne(changed, setting)
  const parsed = Policy.safeParse(changed)
  if (parsed.success) return parsed.data
  throw new AppError('policy.setting-bad', { details: { name: parsed.error.issues[0]?.path.join('.') ?? '' } })
}

function setOne(policy: Record<string, unknown>, setting: string): void {
  const [, name = '', text = ''] = /^([A-Za-z.]+)=(.*)$/s.exec(setting) ?? []
  const path = name.split('.')
  const last = path.pop() ?? ''
  const folder = path.reduce<unknown>((at, member) => (isRecord(at) && Object.hasOwn(at, member) ? at[member] : undefined), policy)
  if (!isRecord(folder) || !Object.hasOwn(folder, last)) throw new AppError('policy.setting-bad', { details: { name: name || setting.slice(0, 80) } })
  folder[last] = parseValue(text)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
