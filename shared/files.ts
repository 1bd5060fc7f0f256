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
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)

export const fileCalls = {
  'files.list': { input: z.strictObject({ path: filePath }), output: z.object({ entries: z.array(FileEntry).max(100_000), freeBytes: z.number() }) },
  'files.stat': { input: z.strictObject({ path: filePath }), output: FileEntry },
  'files.read': { input: z.strictObject({ path: filePath, offset, length: offset.optional() }), output: z.object({ size: offset, modifiedMs: z.number() }) },
  /** Writes at `offset`; `truncate` cuts the file to the offset first. Written under a temporary name by the client, then `files.commit`. */
  'files.write': {
    input: z.strictObject({ path: filePath, offset, truncate: z.boolean().default(false) }),
    output: z.object({ size: offset }),
  },
  'files.digest': { input: z.strictObject({ path: filePath }), output: z.object({ sha256: Hash, size: offset }) },
  /** Compares the temporary file's SHA-256 on the device, then renames it; the named file is replaced only if `replace`. */
  'files.commit': {
    input: z.strictObject({ from: filePath, to: filePath, sha256: Hash, replace: z.boolean() }),
    output: z.object({ size: offset }),
  },
  /** Tells the device that a download is complete and what the client got, so that it can be audited with its digest. */
  'files.received': { input: z.strictObject({ path: filePath, sha256: Hash, size: offset }), output: nothing },
  'files.rename': { input: z.strictObject({ from: filePath, to: filePath }), output: nothing },
  'files.delete': { input: z.strictObject({ path: filePath }), output: nothing },
  'files.make-folder': { input: z.strictObject({ path: filePath }), output: nothing },
} satisfies Contract
export type FileCalls = typeof fileCalls
export type FileCallName = keyof FileCalls

/** A file that is being written is `.<name>.gantry-part` beside its final place; listings hide none of them. */
export const partName = (name: string): string => `.${name}.gantry-part`
