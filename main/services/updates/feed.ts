import type { Readable } from 'node:stream'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { createPublishedFeed } from '@gantry/shared/node/published-feed.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { manifestName, type UpdateFile, UpdateManifest, type UpdateTarget, updatesPath } from '@gantry/shared/update-manifest.ts'

/** The main server's folder of updates. Errors as in `PublishedFeed`, of a manifest `update.manifest-bad`. */
export type Feed = {
  /** The manifest for that target, whose signature holds. */
  manifest(target: UpdateTarget, signal: AbortSignal): Promise<UpdateManifest>
  /** The file's octets from there on. */
  open(file: UpdateFile, from: number, signal: AbortSignal): Promise<Readable>
}

export function createFeed({ origin, dial, key }: { origin: string; dial: Dial; key: PublicJwk }): Feed {
  const published = createPublishedFeed({ origin, dial })
  const expected = { type: 'update', schema: UpdateManifest, key, failure: 'update.manifest-bad' } as const
  return {
    async manifest(target, signal) {
      return (await published.manifest(`${updatesPath}${manifestName(target)}`, expected, signal)).manifest
    },
    open: (file, from, signal) => published.open(`${updatesPath}${file.name}`, { ...file, from }, signal),
  }
}
