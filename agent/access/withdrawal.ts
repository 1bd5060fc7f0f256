import { requestLimits } from '@gantry/shared/access-request.ts'
import { sha256, verifyJws } from '@gantry/shared/node/signing.ts'
import { type CompactJws, type Hash, WithdrawalPayload } from '@gantry/shared/ticket.ts'
import type { Proven } from './signatures.ts'

/** Whose word it is that a request is taken back or its session ends. Either ends it: ending is always safe. Only the audit tells them apart. */
export type Withdrawer =
  | { by: 'specialist'; kind: WithdrawalPayload['kind']; at: number; withdrawal: Hash }
  | { by: 'main-server'; why: 'unsigned' | 'signature-bad' }

export const unsigned: Withdrawer = { by: 'main-server', why: 'unsigned' }

/**
 * The specialist's word only under the specialist key that signed this very request (R062), for this device, and not before the request was made; what is
 * signed otherwise is no better than unsigned. A `cancel` that crossed the approval ends the session too, so `kind` is told and not compared.
 */
export async function judgeWithdrawal(withdrawal: CompactJws, { certificate, request }: Proven): Promise<Withdrawer> {
  try {
    const expected = { type: 'withdrawal', schema: WithdrawalPayload, key: certificate.specialistKey, failure: 'access.signature-bad' } as const
    const said = await verifyJws(withdrawal, expected)
    const same = said.requestId === request.id && said.deviceId === request.deviceId && said.specialistId === request.specialistId
    if (same && said.at >= request.issuedAt - requestLimits.slackSeconds)
      return { by: 'specialist', kind: said.kind, at: said.at, withdrawal: sha256(withdrawal) }
  } catch {
    // Falls through: what cannot be verified is the server's word.
  }
  return { by: 'main-server', why: 'signature-bad' }
}
