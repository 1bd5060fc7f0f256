import { join } from 'node:path'
import { agentApi } from '@gantry/shared/agent-api.ts'
import { readJsonFileIfThere } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, type SigningKey, signingKeyFrom } from '@gantry/shared/node/signing.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { ListedAccessServer } from './config.ts'
import { readTwin, writeTwin } from './state-file.ts'

/**
 * Who this device is: three P-256 keys, made here and never leaving (0600), and what the enrolment answered.
 * device key = mutual TLS, answers, admissions · host key = SSH · audit key = heads of the audit log. `authorityKey` and `ticketKey` are pinned from here on.
 */
export const Enrolment = agentApi['device.enrol'].output
  .omit({ agentOrigin: true, accessServers: true, authorityKeys: true })
  // A device that was enrolled before it kept them names them in its config.
  .extend({ accessServers: z.array(ListedAccessServer).max(24).default([]) })
export type Enrolment = z.infer<typeof Enrolment>

const pem = z.string().max(2_000)
const Identity = z.strictObject({
  version: z.literal(1),
  keys: z.strictObject({ device: pem, host: pem, audit: pem }),
  enrolment: Enrolment.nullable(),
})
type Identity = z.infer<typeof Identity>

export type Keys = { device: SigningKey; host: SigningKey; audit: SigningKey }
export type IdentityStore = {
  keys: Keys
  enrolment(): Enrolment | null
  enrol(enrolment: Enrolment): void
  renew(renewed: Pick<Enrolment, 'certificate' | 'deviceCa'>): void
}

/** Throws `state.unreadable {what}` when the identity is there and both copies are bad: a new one would need a new enrolment code, from a person. */
export function openIdentity(stateDir: string, onLost: (what: string) => void): IdentityStore {
  const path = join(stateDir, 'identity.json')
  let identity: Identity | null = readTwin({ path, schema: Identity, onLost })
  if (!identity) {
    const key = () => privatePem(generateSigningKey())
    identity = { version: 1, keys: { device: key(), host: key(), audit: key() }, enrolment: null }
    writeTwin(path, identity)
  }
  const known = identity
  let enrolment = known.enrolment
  const enrol = (next: Enrolment) => {
    writeTwin(path, { ...known, enrolment: next })
    enrolment = next
  }
  return {
    keys: { device: signingKeyFrom(known.keys.device), host: signingKeyFrom(known.keys.host), audit: signingKeyFrom(known.keys.audit) },
    enrolment: () => enrolment,
    enrol,
    renew(renewed) {
      if (enrolment) enrol({ ...enrolment, ...renewed })
    },
  }
}

/** A look at the identity that changes nothing, for a check beside a living agent. Null before the first start. Throws `state.unreadable {what}`. */
export function readIdentity(stateDir: string): { enrolment: Enrolment | null; deviceKey: string } | null {
  const path = join(stateDir, 'identity.json')
  const identity = readJsonFileIfThere(path, Identity) ?? readJsonFileIfThere(`${path}.copy`, Identity)
  return identity && { enrolment: identity.enrolment, deviceKey: identity.keys.device }
}

/** The SSH host key as it stands in `known_hosts`: `ecdsa-sha2-nistp256 AAAA…` (RFC 5656 section 3.1). */
export function hostKeyText(jwk: PublicJwk): string {
  const text = (value: string | Buffer) => {
    const bytes = Buffer.from(value)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(jwk.x, 'base64url'), Buffer.from(jwk.y, 'base64url')])
  const blob = Buffer.concat([text('ecdsa-sha2-nistp256'), text('nistp256'), text(point)])
  return `ecdsa-sha2-nistp256 ${blob.toString('base64')}`
}
