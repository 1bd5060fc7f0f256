import { join } from 'node:path'
import type { Failure } from '@gantry/shared/errors.ts'
import { DeviceId, RequestId, type SpecialistId } from '@gantry/shared/ids.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { z } from 'zod'
import type { TransferMemory } from './memory.ts'

/**
 * Transfers that were not over when the app went, in the profile, per specialist: where from, where to and how far; no contents, no keys. Only its owner may read the
 * file (mode 0600), since names of files can be patient data.
 */
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const path = z
  .string()
  .min(1)
  .max(4_096)
  .refine((text) => !text.includes('\u0000'), 'NUL')
/** Below the destination, as the plan has it: it must not lead out of it. */
const below = path.refine((text) => text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'), 'leaves its folder')
const limits = { transfers: 1_000, files: 10_000 } as const

const KeptTransfer = z.strictObject({
  device: z.strictObject({ id: DeviceId, name: z.string().max(200) }),
  requestId: RequestId,
  direction: z.enum(['put', 'get']),
  name: z.string().max(255),
  from: path,
  to: path,
  replace: z.boolean(),
  bytes: count,
  totalBytes: count.nullable(),
  files: count,
  filesDone: count,
  /** Files that are in their place and verified. */
  done: z.array(below).max(limits.files),
  /** Files that were begun, and what they were then. */
  begun: z.array(z.strictObject({ at: below, size: count, modifiedMs: z.number().int() })).max(limits.files),
})
export type KeptTransfer = z.infer<typeof KeptTransfer>
const KeptFile = z.strictObject({ version: z.literal(1), transfers: z.array(KeptTransfer).max(limits.transfers) })

export type KeptStore = {
  /** Never throws: a file that is damaged, or of a later version, is an empty queue with its failure (`state.unreadable`). */
  read(person: SpecialistId): { transfers: KeptTransfer[]; failure: Failure | null }
  /** Throws what the disk throws. */
  write(person: SpecialistId, transfers: readonly KeptTransfer[]): void
}

export function createKeptStore(profileDir: string): KeptStore {
  const fileOf = (person: SpecialistId) => join(profileDir, `transfers-${person}.json`)
  return {
    read(person) {
      try {
        return { transfers: readJsonFileIfThere(fileOf(person), KeptFile)?.transfers ?? [], failure: null }
      } catch {
        return { transfers: [], failure: { code: 'state.unreadable', details: { path: `transfers-${person}.json` } } }
      }
    },
    write: (person, transfers) => writeJsonFile(fileOf(person), { version: 1, transfers: transfers.slice(0, limits.transfers) }),
  }
}

export type Remembered = Pick<KeptTransfer, 'done' | 'begun'>
export type OwnMemory = TransferMemory & { remembered(): Remembered }

/** What a transfer knows of its files, from `earlier` on. Of a folder with more than 10,000 files those beyond begin anew at the next start. */
export function createMemory(earlier: Remembered, tools: { onChange: () => void; keepsParts: () => boolean }): OwnMemory {
  const done = new Set(earlier.done)
  const begun = new Map(earlier.begun.map(({ at, ...version }) => [at, version]))
  const key = (at: readonly string[]) => at.join('/')
  return {
    isDone: (at) => done.has(key(at)),
    done(at) {
      begun.delete(key(at))
      done.add(key(at))
      tools.onChange()
    },
    of: (at) => ({
      version: begun.get(key(at)) ?? null,
      begun({ size, modifiedMs }) {
        begun.set(key(at), { size, modifiedMs })
        tools.onChange()
      },
      keepsParts: tools.keepsParts,
    }),
    remembered: () => ({
      done: [...done].slice(0, limits.files),
      begun: [...begun].slice(0, limits.files).map(([at, version]) => ({ at, ...version })),
    }),
  }
}
