import { z } from 'zod'
import type { Contract } from './contract.ts'
import { RequestId } from './ids.ts'

/** Comparing a folder of this computer with one of the device, and making them alike: what the window may ask of it. */
const CompareId = z.string().regex(/^cmp-\d{1,9}$/)
const path = z
  .string()
  .min(1)
  .max(4_096)
  .refine((text) => !text.includes('\u0000'), 'NUL')
const facts = z.object({ size: z.number(), modifiedMs: z.number() }).nullable()

export const CompareRow = z.object({
  /** Below the two folders, with what cannot be seen written out. */
  path: z.string(),
  kind: z.enum(['file', 'folder']),
  /** `refused`: its name cannot be written here, or one side has a folder or a link where the other has a file; it is left alone. */
  state: z.enum(['only-here', 'only-there', 'differs', 'same', 'refused']),
  /** Its name here is not its name on the device: it is fetched, and never sent. */
  isRenamed: z.boolean(),
  here: facts,
  there: facts,
})
export type CompareRow = z.infer<typeof CompareRow>

const rows = z.array(z.number().int().min(0).max(9_999)).max(10_000)

export const compareCalls = {
  /**
   * Up to 10,000 entries and 32 folders deep; `stopped` says which of the two ended it early. Files of one size whose times differ by more than 2 s differ; with `digests`
   * their SHA-256 decides. `directions` is what the session's ticket allows; the device's own rules may allow less. Errors: `file.*`, `session.*`.
   */
  'compare.start': {
    input: z.strictObject({ requestId: RequestId, local: path, remote: path, digests: z.boolean() }),
    output: z.object({
      compareId: CompareId,
      rows: z.array(CompareRow),
      stopped: z.enum(['entries', 'depth']).nullable(),
      skipped: z.number(),
      directions: z.object({ put: z.boolean(), get: z.boolean() }),
    }),
  },
  /** Ends what is compared for this session; its `compare.start` then fails with `file.cancelled`. */
  'compare.stop': { input: z.strictObject({ requestId: RequestId }), output: z.strictObject({}) },
  /**
   * Rows by their place in the list: `copy` become transfers, `remove` are files that only the other side has, deleted for good. What does not fit its direction is left
   * out. Errors: `file.direction-closed`, `file.not-found` for a comparison that is over, `session.*`.
   */
  'compare.apply': {
    input: z.strictObject({ compareId: CompareId, direction: z.enum(['put', 'get']), copy: rows, remove: rows }),
    output: z.object({ transfers: z.number(), removed: z.number(), notRemoved: z.number() }),
  },
} satisfies Contract
