import { timingSafeEqual } from 'node:crypto'
import { generateSync } from 'otplib'

/** Time-based one-time passwords (RFC 6238): SHA-1, 30 s, six digits, as authenticator apps make them. */
const stepSeconds = 30

export function stepAt(nowMs: number): number {
  return Math.floor(nowMs / 1000 / stepSeconds)
}

export function codeOf(secret: string, step: number): string {
  return generateSync({ secret, epoch: step * stepSeconds })
}

export function secondsUntilStep(step: number, nowMs: number): number {
  return Math.max(1, Math.ceil(step * stepSeconds - nowMs / 1000))
}

/**
 * Which step a typed code belongs to, or null. One step to each side is let pass for clocks that differ (RFC 6238 section 5.2). All three are compared in
 * constant time. Whether the step is still to be used is not decided here.
 */
export function matchStep(secret: string, typed: string, nowMs: number): number | null {
  const digits = Buffer.from(typed.replaceAll(/\s/g, ''))
  const now = stepAt(nowMs)
  const matching = [now - 1, now, now + 1].filter((step) => {
    const code = Buffer.from(codeOf(secret, step))
    return digits.length === code.length && timingSafeEqual(digits, code)
  })
  return matching.at(-1) ?? null
}
