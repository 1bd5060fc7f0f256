import { z } from 'zod'
import { EndCause } from './access-request.ts'
import { AuditEvent, SignedHead } from './audit.ts'
import { maxAuthorityStatements } from './authority-keys.ts'
import type { Contract } from './contract.ts'
import { DeliveryId, DeviceId, RequestId } from './ids.ts'
import { Feature, maxSubscriptions } from './licences.ts'
import { LevelRules } from './profile.ts'
import { AccessServerRef, CompactJws, Hash, PublicJwk, SignedRequest } from './ticket.ts'

/**
 * What an agent may ask the main server: POST /agent/v1/<name>, JSON in and out, a Result as answer, over mutual TLS on a listener of its own
 * that demands the device's certificate. `device.enrol` alone lives on the people's listener, since the device has no certificate yet.
 * Plain JSON over HTTPS: devices live for ten years and more.
 *
 * Exactly once: every delivery has an id. The agent stores what it received before it acts, names the id in the `handled` of its next poll,
 * and drops a delivery whose id it has handled before; the main server repeats a delivery until it is named.
 */
const none = z.strictObject({})

export const Delivery = z.discriminatedUnion('kind', [
  z.object({ id: DeliveryId, kind: z.literal('access-request'), ticket: CompactJws, request: SignedRequest, certificate: CompactJws }),
  z.object({ id: DeliveryId, kind: z.literal('reveal'), requestId: RequestId, nonce: Hash }),
  /** Without `withdrawal` it is the main server's word: it ends all the same, since ending is always safe, and the device's audit says whose word it was. */
  z.object({ id: DeliveryId, kind: z.literal('cancel'), requestId: RequestId, withdrawal: CompactJws.optional() }),
  z.object({ id: DeliveryId, kind: z.literal('end'), requestId: RequestId, cause: EndCause, withdrawal: CompactJws.optional() }),
  z.object({ id: DeliveryId, kind: z.literal('maintenance'), action: z.string(), input: z.unknown(), notBefore: z.number(), notAfter: z.number() }),
  /** `roster` is a data file like another: content is the authority's compact JWS. `sha256` is of the content's bytes. */
  z.object({
    id: DeliveryId,
    kind: z.literal('data-file'),
    name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,59}$/),
    version: z.number().int(),
    sha256: Hash,
    content: z.string().max(1_500_000),
  }),
])
export type Delivery = z.infer<typeof Delivery>

export const agentApi = {
  /**
   * One-time enrolment. `code` is the secret half of the enrolment code; the other half (128 bits of the authority key's hash) never leaves the device,
   * which compares it with `authorityKey`. After use, or its end, the code answers nothing but `enrol.code-bad`.
   */
  'device.enrol': {
    input: z.strictObject({
      code: z.string().max(80),
      /** PKCS#10 in PEM, signed by the device key. */
      certificateRequest: z.string().max(8_000),
      /** `ecdsa-sha2-nistp256 AAAA…` */
      hostKey: z.string().max(400),
      auditKey: PublicJwk,
      model: z.string().max(60),
      agentVersion: z.string().max(40),
    }),
    output: z.object({
      deviceId: DeviceId,
      name: z.string(),
      customer: z.string(),
      site: z.string(),
      certificate: z.string(),
      deviceCa: z.string(),
      authorityKey: PublicJwk,
      /** How it came to be another one (`authority-keys.ts`): the code may name any of these keys. */
      authorityKeys: z.array(CompactJws).max(maxAuthorityStatements).optional(),
      ticketKey: PublicJwk,
      mainServerAuditKey: PublicJwk,
      /** Origin of the agents' listener, `https://host:port`. */
      agentOrigin: z.url(),
      accessServers: z.array(AccessServerRef),
    }),
  },
  /** A fresh certificate for the key that the device has; the one it has stays good until it is over. Idempotent: asked again, it answers the same one. */
  'device.renew': {
    /** PKCS#10 in PEM, signed by the device key. */
    input: z.strictObject({ certificateRequest: z.string().max(8_000) }),
    /** `deviceCa`: PEM of who issued it, which the device knows or has listed. */
    output: z.object({ certificate: z.string().max(8_000), deviceCa: z.string().max(8_000).optional() }),
  },
  'device.poll': {
    input: z.strictObject({
      /** 0 = plain poll; else the server may hold the poll open this long (ms) until there is something to say. */
      holdMs: z.number().int().min(0).max(60_000),
      handled: z.array(DeliveryId).max(500),
      /** Drawn when the agent's process began. Two that call in by turns are two machines with one key. */
      run: Hash,
      /** What its clock says. ms */
      clockMs: z.number().int(),
      agentVersion: z.string().max(40),
      softwareVersion: z.string().max(60),
      instantPickup: z.boolean(),
      rules: LevelRules,
      /** Number of the roster it has, 0 for none. */
      rosterNumber: z.number().int().min(0),
      separated: z.boolean(),
      /** Whether a session's programs have a network there. Left out by older agents: `open`. */
      network: z.enum(['none', 'open']).optional(),
      /** It would ask access servers for a bulletin where it cannot reach us (`access-api.ts`). */
      wantsBulletin: z.boolean().optional(),
      /** Number of the list of the servers' keys that it has, 0 for none. Left out by older agents, which get none. */
      serverKeysNumber: z.number().int().min(0).optional(),
      /** Thumbprint of the newest key of the authority that it knows, and the number of the statement that said so. Left out by older agents, which stay with the pinned key. */
      authority: z.strictObject({ key: Hash, number: z.number().int().min(0) }).optional(),
      /** Number of the licences that it has, 0 for none, and what it holds as licensed (`licences.ts`). Left out by older agents, which get none. */
      licencesNumber: z.number().int().min(0).optional(),
      licensed: z.array(Feature).max(maxSubscriptions).optional(),
    }),
    output: z.object({
      deliveries: z.array(Delivery).max(200),
      serverTimeMs: z.number(),
      /** By which it finds its mark in a bulletin; told to who wants it. */
      bulletinKey: Hash.optional(),
      /** A newer list of the servers' keys (`server-keys.ts`). It counts before the deliveries beside it. */
      serverKeys: CompactJws.optional(),
      /** Newer licences (`licences.ts`). */
      licences: CompactJws.optional(),
      /** Statements about the authority's key that it has not followed yet (`authority-keys.ts`). They count before all else here. */
      authorityKeys: z.array(CompactJws).max(maxAuthorityStatements).optional(),
    }),
  },
  /** A signed answer (typ `answer`) to an access request. Idempotent. */
  'access-request.answer': { input: z.strictObject({ answer: CompactJws }), output: none },
  /** Public parts of new audit events, oldest first, and the device's signed head; the main server's comes back. Idempotent by event id. */
  'audit.report': {
    input: z.strictObject({ events: z.array(AuditEvent).max(500), head: SignedHead }),
    output: z.object({ head: SignedHead }),
  },
} satisfies Contract
export type AgentApi = typeof agentApi

/** Poll timing. The interval is a floor that no server can lower (R051). */
export const pollTiming = { intervalMs: 30_000, jitter: 0.1, holdMs: 25_000, backoffBaseMs: 1_000, backoffMaxMs: 300_000 } as const
