import { Policy } from '../../shared/device-policy.ts'
import { policyText, statementOf } from '../../shared/node/signed-policy.ts'
import { generateSigningKey, type SigningKey } from '../../shared/node/signing.ts'

/** Who owns a device's policy, and signs one after the other. */
export type PolicyOwner = { key: SigningKey; sign(settings: Record<string, unknown>, change?: Partial<Parameters<typeof statementOf>[1]>): string }

export function createPolicyOwner(key = generateSigningKey()): PolicyOwner {
  let serial = 0
  return {
    key,
    sign(settings, change = {}) {
      serial += 1
      const statement = statementOf(Policy.parse({ version: 1, ...settings }), { serial, device: null, owner: key.publicJwk, nowMs: Date.now(), ...change })
      return policyText(statement, key)
    },
  }
}
