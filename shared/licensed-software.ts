import { z } from 'zod'
import { Feature } from './licences.ts'
import { countsForDays, PublishedFile } from './published-file.ts'
import { unixSeconds } from './ticket.ts'
import { Release } from './update-manifest.ts'

/**
 * R011: the software of a licensed feature, as a device may download it while it has a subscription. A compact JWS of kind `licensed-software` by the vendor's offline release key, whose public half
 * is in `device.json`: the main server hands it out, or holds it back, and can make none up. Nothing that is downloaded is installed or run by it.
 */
export const maxLicensedDays = 366
/** Its name in the feature's folder, at the main server and at the device. */
export const licensedManifestName = 'manifest.jws'

export const LicensedManifest = z
  .strictObject({
    version: z.literal(1),
    /** Never goes back; each signature for a feature has the next one. */
    serial: z.number().int().positive(),
    feature: Feature,
    release: Release,
    file: PublishedFile.refine(({ name }) => name !== licensedManifestName, 'the name of the manifest'),
    issuedAt: unixSeconds,
    expiresAt: unixSeconds,
  })
  .refine(countsForDays(maxLicensedDays), 'good for too long')
export type LicensedManifest = z.infer<typeof LicensedManifest>

/** On the agents' listener: GET, by the device's certificate, ranges understood. `contract.unknown-name` for whatever is not there or not subscribed to, alike. */
export const licensedPath = (feature: string, name: string) => `/licensed-software/${feature}/${name}`
