import { z } from 'zod'
import type { Contract } from './contract.ts'
import { Hash } from './ticket.ts'

/**
 * The files leg (architecture 3.4): end-to-end TLS 1.3 and HTTP/2 on a joined leg; the agent is the server.
 * Every request is POST /<name> with header `gantry-input: base64url(JSON)`; the answer's header `gantry-output: base64url(JSON)`
 * carries the output or, with a 4xx/5xx status, `gantry-failure: base64url(JSON of { code, details? })`.
 * `files.read` answers with the bytes as body; `files.write` takes them as request body; `files.list` answers with JSON as body, since it may be long.
 * Paths are absolute within the device's files: `/` is the root that the device's owner chose, `..` is refused, not resolved.
 */
export const filePath = z
  .string()
  .min(1)
  .max(4_096)
  .startsWith('/')
  .refine((path) => !path.includes('\u0000'), 'NUL')

export const FileEntry = z.object({
  name: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  size: z.number().int().min(0),
  modifiedMs: z.number(),
  mode: z.number().int(),
})
export type FileEntry = z.infer<typeof FileEntry>

const nothing = z.strictObject({})
/** What a transfer is known by, and the key of its check (`shared/node/running-check.ts`): 32 fresh octets, drawn by the client for one file's way and no other. */
export const CheckKey = Hash
export type CheckKey = Hash
/** The check's result: 16 octets, base64url. */
export const CheckTag = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const fileCalls = {
  'files.list': { input: z.strictObject({ path: filePath }), output: z.object({ entries: z.array(FileEntry).max(100_000), freeBytes: z.number() }) },
  'files.stat': { input: z.strictObject({ path: filePath }), output: FileEntry },
  /**
   * `check` makes it a transfer, which may come in several answers: the device goes over the octets as it reads them, each once, and ends an answer to the same
   * transfer that is still under way. `file.digest-differs` when the file is another one than when the transfer began.
   */
  'files.read': {
    input: z.strictObject({ path: filePath, offset, length: offset.optional(), check: CheckKey.optional() }),
    output: z.object({ size: offset, modifiedMs: z.number() }),
  },
  /**
   * Writes at `offset`, where the transfer stands: 0 begins it anew and cuts the file to nothing; anything else than its position is `file.digest-differs`, and so is
   * a file that somebody else changed meanwhile. Written under a temporary name by the client, then `files.commit`.
   */
  'files.write': { input: z.strictObject({ path: filePath, offset, check: CheckKey }), output: z.object({ size: offset }) },
  /** How many octets of a transfer to the device are written. Whatever still brought some is ended before. 0 for one that the device does not know. */
  'files.progress': { input: z.strictObject({ path: filePath, check: CheckKey }), output: z.object({ position: offset }) },
  /**
   * Goes over what an earlier session's transfer brought, without moving it again, so that the check of this one covers the whole file: `sent` over a temporary file to its
   * end, `received` over the first `position` octets of a file that is read. Answers where the transfer then stands. `file.digest-differs` where there is less or, for
   * `sent`, more than `position`; `file.name-not-allowed` for `sent` over anything but a temporary file.
   */
  'files.take-up': {
    input: z.strictObject({ kind: z.enum(['sent', 'received']), path: filePath, check: CheckKey, position: offset }),
    output: z.object({ position: offset }),
  },
  'files.digest': { input: z.strictObject({ path: filePath }), output: z.object({ sha256: Hash, size: offset }) },
  /**
   * Compares the check of what was written with the client's, then renames the temporary file; the named file is replaced only if `replace`. Asked twice, it answers twice.
   * `modifiedMs`: the time that the file had where it comes from, and has from then on; older agents refuse it (`contract.bad-input`).
   */
  'files.commit': {
    input: z.strictObject({
      from: filePath,
      to: filePath,
      check: CheckKey,
      tag: CheckTag,
      replace: z.boolean(),
      modifiedMs: z.number().int().min(0).max(253_402_300_799_999).optional(),
    }),
    output: z.object({ size: offset }),
  },
  /** Ends a transfer to the device that will not go on, and removes its temporary file. */
  'files.abandon': { input: z.strictObject({ path: filePath, check: CheckKey }), output: nothing },
  /** Compares the check of what was read with that of what arrived, so that both know before the file gets its name. Asked twice, it answers twice. */
  'files.received': { input: z.strictObject({ path: filePath, check: CheckKey, tag: CheckTag, size: offset }), output: nothing },
  'files.rename': { input: z.strictObject({ from: filePath, to: filePath }), output: nothing },
  'files.delete': { input: z.strictObject({ path: filePath }), output: nothing },
  'files.make-folder': { input: z.strictObject({ path: filePath }), output: nothing },
} satisfies Contract
export type FileCalls = typeof fileCalls
export type FileCallName = keyof FileCalls

/** A file that is being written is `.<name>.gantry-part` beside its final place; listings hide none of them. */
export const partName = (name: string): string => `.${name}.gantry-part`
export const isPartName = (name: string): boolean => /^\..+\.gantry-part$/s.test(name)
