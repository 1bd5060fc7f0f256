import { z } from 'zod'
import { CompactJws, Hash, LegName, Side } from './ticket.ts'

/**
 * How a leg is opened at an access server (architecture 3.2). The socket is TLS (1.2 ECDHE-AEAD or 1.3); then:
 *
 *   1. either end →  GET /tunnel HTTP/1.1, Upgrade: gantry-tunnel/1, Connection: Upgrade,
 *                    Gantry-Opening: base64url(JSON of Opening)          (8 KiB of head at most)
 *   2. access server → 101 Switching Protocols, Upgrade: gantry-tunnel/1, Gantry-Nonce: 32 random bytes in base64url
 *                    or 4xx/5xx with a JSON failure { code, details? }
 *   3. either end →  one line: the admission, a compact JWS by the session key (client) or device key (agent), then \n   (2 KiB at most)
 *   4. access server → one line: {"ok":true}\n once the other end is there too, or {"ok":false,"failure":{…}}\n and close
 *   5. raw bytes both ways, no framing
 *
 * Limits before authentication: 10 s for steps 1 to 3, 15 s for the other leg. A leg with a higher epoch replaces the older one.
 * `link: 1` says that the two ends speak the link (3.3) on this leg; the access server only checks that both say the same.
 */
export const tunnelProtocol = 'gantry-tunnel/1'
export const tunnelPath = '/tunnel'

/**
 * Whether anything passes after an upgrade at all, for the self-test of a device that has no ticket: GET /check with `Upgrade: gantry-check/1` is answered with 101, and then one
 * line of at most 64 bytes comes back as it was sent, and the connection is closed. The limits before authentication hold.
 */
export const checkProtocol = 'gantry-check/1'
export const checkPath = '/check'
export const maxCheckBytes = 64

export const Opening = z.strictObject({
  version: z.literal(1),
  ticket: CompactJws,
  side: Side,
  leg: LegName,
  epoch: z.number().int().min(1).max(1_000_000),
  link: z.union([z.literal('none'), z.literal(1)]),
})
export type Opening = z.infer<typeof Opening>

export const Verdict = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true) }),
  z.strictObject({
    ok: z.literal(false),
    failure: z.strictObject({ code: z.string().max(60), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() }),
  }),
])
export type Verdict = z.infer<typeof Verdict>

export const legLimits = {
  maxHeadBytes: 8_192,
  maxAdmissionBytes: 2_048,
  maxVerdictBytes: 2_048,
  openingTimeoutMs: 10_000,
  pairTimeoutMs: 15_000,
} as const

export const Nonce = Hash
