import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError, fromFailure } from '@gantry/shared/errors.ts'
import type { Feature } from '@gantry/shared/licences.ts'
import { LicensedManifest, licensedManifestName, licensedPath } from '@gantry/shared/licensed-software.ts'
import { downloadFile } from '@gantry/shared/node/download-file.ts'
import { fileError } from '@gantry/shared/node/file-error.ts'
import type { PublishedFeed } from '@gantry/shared/node/published-feed.ts'
import { whyStale } from '@gantry/shared/published-file.ts'
import type { CompactJws, PublicJwk } from '@gantry/shared/ticket.ts'
import type { Clock } from '../clock.ts'
import type { SoftwareStore } from './store.ts'

export type FetchWith = {
  feed: PublishedFeed
  /** Of the vendor's release officer. */
  key: PublicJwk
  store: SoftwareStore
  /** Throws where it cannot be written, and then nothing is put in place. */
  audit: (event: NewDeviceEvent) => unknown
  clock: Pick<Clock, 'now'>
  signal: AbortSignal
  pauseMs?: ((attempt: number) => number) | undefined
}

/**
 * One look for a feature's software: what is newer is downloaded, goes on where it was cut, and is put in place when size and SHA-512 are those that were signed. Nothing is installed or run.
 * Errors: `update.none`; `update.manifest-bad`, `update.not-for-us`, `update.older`, `update.expired`, `update.file-bad`, `file.*`, `audit.unavailable`, `server.*`; an abort throws the signal's reason.
 */
export async function fetchSoftware(feature: Feature, { feed, key, store, audit, clock, signal, pauseMs }: FetchWith): Promise<void> {
  const { manifest, jws } = await readManifest(feature, feed, key, signal)
  const stale = whyStale(manifest, { serial: store.serialOf(feature), nowMs: clock.now() })
  if (stale) throw fromFailure(stale)
  const { file, release, serial } = manifest
  try {
    store.takeSerial(feature, serial)
    if (await store.isInPlace(feature, file, signal)) return store.keepManifest(feature, jws)
    store.requireRoom(feature, file)
    await downloadFile({
      file,
      path: store.stage(feature, file),
      openFrom: (from, until) => feed.open(licensedPath(feature, file.name), { ...file, from }, until),
      onProgress: () => undefined,
      signal,
      ...(pauseMs ? { pauseMs } : {}),
    })
    signal.throwIfAborted()
    audit({ kind: 'software.downloaded', actor: { kind: 'agent' }, data: { feature, release, serial, name: file.name, bytes: file.bytes } })
    store.place(feature, file, jws)
  } catch (error) {
    throw signal.aborted ? signal.reason : fileError(error)
  }
}

async function readManifest(
  feature: Feature,
  feed: PublishedFeed,
  key: PublicJwk,
  signal: AbortSignal,
): Promise<{ manifest: LicensedManifest; jws: CompactJws }> {
  const expected = { type: 'licensed-software', schema: LicensedManifest, key, failure: 'update.manifest-bad' } as const
  const found = await feed.manifest(licensedPath(feature, licensedManifestName), expected, signal)
  if (found.manifest.feature !== feature) throw new AppError('update.not-for-us', { details: { field: 'feature' } })
  return found
}
