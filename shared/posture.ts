import { z } from 'zod'
import { compareReleases, Release } from './update-manifest.ts'

/**
 * What the client says of its workstation with each access request (R088). It is the client's own word: nothing proves it, so it keeps honest people from a computer that is not
 * fit, and nobody else.
 */
export const Posture = z.strictObject({
  /** Of the client: desktop app or command line. */
  version: z.string().regex(/^[0-9A-Za-z.+-]{1,40}$/),
  os: z.enum(['windows', 'macos', 'linux', 'other']),
  /** Of the disk that holds the person's home. `unknown`: it could not be told there. */
  diskEncryption: z.enum(['on', 'off', 'unknown']),
})
export type Posture = z.infer<typeof Posture>

/** What the operator, or a customer, asks of it; what is left out is not asked. */
export const PostureRule = z.strictObject({ minimumVersion: Release.optional(), diskEncryption: z.literal(true).optional() })
export type PostureRule = z.infer<typeof PostureRule>

export type PostureFault = { reason: 'unsaid' } | { reason: 'version'; version: string; minimumVersion: string } | { reason: 'disk-off' | 'disk-unknown' }

/** Pure: what is wrong with it by the first of these rules that it does not meet, or null. A version that is no release (`0.2.0-beta`) is older than every release. */
export function judgePosture(posture: Posture | null, rules: readonly PostureRule[]): PostureFault | null {
  for (const { minimumVersion, diskEncryption } of rules) {
    if (minimumVersion === undefined && diskEncryption === undefined) continue
    if (!posture) return { reason: 'unsaid' }
    const { version } = posture
    if (minimumVersion !== undefined && !(Release.safeParse(version).success && compareReleases(version, minimumVersion) >= 0))
      return { reason: 'version', version, minimumVersion }
    if (diskEncryption && posture.diskEncryption !== 'on') return { reason: `disk-${posture.diskEncryption}` }
  }
  return null
}
