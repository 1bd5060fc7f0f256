import { z } from 'zod'
import { type Contract, FailureShape } from './contract.ts'
import { UpdateTarget } from './update-manifest.ts'

const none = z.strictObject({})

/** The client's own updates, as far as they have come. */
export const UpdateStatus = z.object({
  installed: z.string(),
  /** Null where this installation does not update itself, and `unsupported` says why. */
  channel: UpdateTarget.shape.channel.nullable(),
  unsupported: z.enum(['browser-host', 'not-packaged', 'not-set-up', 'package']).nullable(),
  /** `waiting`: somebody wants it installed, and it is as soon as no session is open and no request on its way. */
  state: z.enum(['idle', 'checking', 'offered', 'downloading', 'ready', 'waiting', 'installing']),
  /** What is offered. `isRequired`: what is installed must not be used any more. */
  release: z.string().nullable(),
  isRequired: z.boolean(),
  bytes: z.number(),
  totalBytes: z.number(),
  /** Where nothing is offered, why; `halted`: the newest release was taken back, and it may be the one that is installed. */
  outcome: z.enum(['current', 'later', 'halted', 'halted-here']).nullable(),
  checkedMs: z.number().nullable(),
  failure: FailureShape.nullable(),
  /** The version before, by which one goes back. */
  previous: z.object({ release: z.string(), path: z.string() }).nullable(),
})
export type UpdateStatus = z.infer<typeof UpdateStatus>

/** What the window asks about updates: all answer with the state at once; what comes of it is told by `update.changed`. Errors of all but `status`: `update.unsupported`. */
export const updateCalls = {
  'update.status': { input: none, output: UpdateStatus },
  'update.check': { input: none, output: UpdateStatus },
  'update.download': { input: none, output: UpdateStatus },
  'update.cancel': { input: none, output: UpdateStatus },
  /** Ends the app, which starts again as the new one; waits while a session is open. Errors: `update.not-ready`. */
  'update.install': { input: none, output: UpdateStatus },
  /** Not as soon as nothing is open, but when it is asked for again. */
  'update.postpone': { input: none, output: UpdateStatus },
} satisfies Contract
