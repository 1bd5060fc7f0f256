/** Why a message did not reach a contact. It stands in the refusal and in the audit, so it names no address and no answer of theirs. */
export type DeliveryReason =
  | 'mail-off' // no mail server is set
  | 'mail-refused'
  | 'mail-login'
  | 'mail-unreachable'
  | 'webhook-refused' // an answer other than 2xx; a redirect is one
  | 'webhook-address' // not on the public internet, nor in a network that the operator named
  | 'webhook-unreachable' // nor with a certificate that counts
  | 'time'

/** `final`: trying again would not help. */
export class DeliveryFailure extends Error {
  readonly reason: DeliveryReason
  readonly final: boolean
  constructor(reason: DeliveryReason, { final = false, cause }: { final?: boolean; cause?: unknown } = {}) {
    super(reason, { cause })
    this.reason = reason
    this.final = final
  }
}
