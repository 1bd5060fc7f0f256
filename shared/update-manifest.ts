import { z } from 'zod'
import { countsForDays, PublishedFile } from './published-file.ts'
import { unixSeconds } from './ticket.ts'

/**
 * What the desktop client may become: one manifest for each channel, platform and processor, a compact JWS of kind `update` by the vendor's offline update key, whose
 * public half the client was installed with. The main server only carries it, and the files that it names.
 */
export const UpdateTarget = z.strictObject({
  channel: z.enum(['stable', 'beta']),
  platform: z.enum(['linux', 'win32', 'darwin']),
  arch: z.enum(['x64', 'arm64']),
})
export type UpdateTarget = z.infer<typeof UpdateTarget>
export type UpdateChannel = UpdateTarget['channel']

/** Three numbers and nothing else: what is tried in `beta` goes to `stable` as the very same files. */
export const Release = z.string().regex(/^(0|[1-9]\d{0,4})(\.(0|[1-9]\d{0,4})){2}$/)

/** How a client was installed, by the ending of the file that updates it. */
export const updateFormats = { linux: ['AppImage', 'deb'], win32: ['exe'], darwin: ['zip'] } as const
export type UpdateFormat = (typeof updateFormats)[UpdateTarget['platform']][number]

const UpdateFile = PublishedFile.extend({ format: z.enum(['AppImage', 'deb', 'exe', 'zip']) }).refine(
  ({ format, name }) => name.endsWith(`.${format}`),
  'a name without the ending of its format',
)
export type UpdateFile = z.infer<typeof UpdateFile>

/** Days that a manifest may be good for: so long, at most, can somebody hold back the next one without the client noticing. */
const maxManifestDays = 30

export const UpdateManifest = UpdateTarget.extend({
  version: z.literal(1),
  /** Never goes back; each signature for a target has the next one. */
  serial: z.number().int().positive(),
  release: Release,
  /** What is older than this must not be used any more: it is updated whatever the percentage says. */
  minimum: Release,
  files: z
    .array(UpdateFile)
    .min(1)
    .max(4)
    .refine((files) => new Set(files.map(({ format }) => format)).size === files.length, 'two of one format'),
  /** Of all installations, how many get it; the same ones stay in when it grows. */
  percentage: z.number().int().min(0).max(100),
  /** The release is taken back: nobody installs it. */
  halted: z.boolean(),
  issuedAt: unixSeconds,
  expiresAt: unixSeconds,
}).refine(countsForDays(maxManifestDays), 'good for too long')
export type UpdateManifest = z.infer<typeof UpdateManifest>

/** Where the main server has them. */
export const updatesPath = '/desktop-updates/'
export const manifestName = ({ channel, platform, arch }: UpdateTarget) => `${channel}-${platform}-${arch}.jws`

/** Below zero where `a` is the older one. */
export function compareReleases(a: string, b: string): number {
  const [left, right] = [a.split('.').map(Number), b.split('.').map(Number)]
  return left.map((part, at) => part - (right[at] ?? 0)).find((difference) => difference !== 0) ?? 0
}
