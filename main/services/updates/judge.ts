import { createHash } from 'node:crypto'
import type { ErrorCode, ErrorDetails } from '@gantry/shared/errors.ts'
import { whyStale } from '@gantry/shared/published-file.ts'
import { compareReleases, type UpdateFile, type UpdateFormat, type UpdateManifest, type UpdateTarget } from '@gantry/shared/update-manifest.ts'

/** What this installation is, when a manifest is judged. */
export type Standing = {
  installed: string
  target: UpdateTarget
  format: UpdateFormat
  /** The highest serial that was ever taken for this target; 0 before the first. */
  serial: number
  /** Chance, drawn once: which installations are the first ones is chance too, and another one with each release. */
  installation: string
  /** Milliseconds since 1970. */
  nowMs: number
}
export type Offer = { release: string; file: UpdateFile /** What is installed must not be used any more. */; isRequired: boolean }
export type Verdict =
  | ({ kind: 'offered' } & Offer)
  /** Nothing newer, or not this installation's turn yet. */
  | { kind: 'current' | 'later' }
  /** The release was taken back; it may be the one that is installed. */
  | { kind: 'halted'; release: string }
  /** Nothing of it may be believed or kept. */
  | { kind: 'refused'; code: ErrorCode; details?: ErrorDetails }

/** Of a manifest whose signature holds: what it means here (T15: rogue, frozen and rolled-back feeds). The order matters: what is refused says nothing. */
export function judgeManifest(manifest: UpdateManifest, { installed, target, format, serial, installation, nowMs }: Standing): Verdict {
  for (const field of ['channel', 'platform', 'arch'] as const) {
    if (manifest[field] !== target[field]) return { kind: 'refused', code: 'update.not-for-us', details: { field } }
  }
  const stale = whyStale(manifest, { serial, nowMs })
  if (stale) return { kind: 'refused', ...stale }
  const { release, minimum } = manifest
  const difference = compareReleases(release, installed)
  if (manifest.halted && difference >= 0) return { kind: 'halted', release }
  if (difference <= 0) return { kind: 'current' }
  const isRequired = compareReleases(installed, minimum) < 0
  if (!isRequired && drawOf(installation, release) >= manifest.percentage) return { kind: 'later' }
  const file = manifest.files.find((one) => one.format === format)
  return file ? { kind: 'offered', release, file, isRequired } : { kind: 'refused', code: 'update.not-for-us', details: { field: format } }
}

/** 0 to 99, always the same for one installation and release. */
export function drawOf(installation: string, release: string): number {
  return createHash('sha256').update(`${installation} ${release}`).digest().readUInt32BE() % 100
}
