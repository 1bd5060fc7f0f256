import { EndCause } from '@gantry/shared/access-request.ts'
import { RequestProgress } from '@gantry/shared/ipc.ts'
import { z } from 'zod'

/**
 * Between a ProxyCommand and the broker, over a Unix socket that only this account can open. Lines of JSON; the first one says what the connection is for.
 *
 *   join   asks, with the PIN of the support key where it has one; stays open as long as the OpenSSH connection: progress, then `open` with a one-time token (or `failure`), at last `ended`.
 *          `again`: this broker is just ending; connect anew, to the next one.
 *   data   brings the token; after its line the bytes of the OpenSSH connection, both ways, nothing around them.
 *   end    ends the session (sign-out).
 */
export const ToBroker = z.union([
  z.strictObject({ kind: z.literal('join'), pin: z.string().min(1).max(200).optional() }),
  z.strictObject({ kind: z.literal('data'), token: z.string().length(43) }),
  z.strictObject({ kind: z.literal('end') }),
])
export type ToBroker = z.infer<typeof ToBroker>

const Failure = z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })
export const FromBroker = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('progress'), progress: RequestProgress }),
  z.strictObject({ kind: z.literal('open'), token: z.string() }),
  z.strictObject({ kind: z.literal('failure'), failure: Failure, renewed: z.boolean() }),
  z.strictObject({ kind: z.literal('again') }),
  z.strictObject({ kind: z.literal('ended'), cause: EndCause.nullable() }),
])
export type FromBroker = z.infer<typeof FromBroker>

export const maxBrokerLineBytes = 65_536
