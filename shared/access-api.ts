import { z } from 'zod'
import { maxAuthorityStatements } from './authority-keys.ts'
import type { Contract } from './contract.ts'
import { AccessServerRef, CompactJws, Hash } from './ticket.ts'

/**
 * What an access server may tell the main server: POST /access/v1/<name> on the people's listener, JSON in and out, a Result as answer. Who it is stands in what it
 * signs: no connection, header or address counts.
 */
export const accessPrefix = '/access/v1/'

/** A region as customers and access servers name it, such as `ca-east`. Which there are is the operator's data (R056). */
export const Region = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/)
export type Region = z.infer<typeof Region>

/** What it carries now. */
export const Load = z.strictObject({
  /** Legs that wait or are joined, and how many there may be. */
  legs: z.number().int().min(0),
  maxLegs: z.number().int().positive(),
  /** Joined pairs of legs. */
  pairs: z.number().int().min(0),
  /** Processor seconds per second since the last beat, and the share of that time in which its event loop had work. */
  cpu: z.number().min(0).max(1_000),
  loop: z.number().min(0).max(1),
})
export type Load = z.infer<typeof Load>

/** Signed by the access server's own key (typ `beat`), which the operator has pinned. `server` and `region` repeat what the operator's list says. */
export const BeatPayload = z.strictObject({
  version: z.literal(1),
  /** RFC 7638 thumbprint of the main server's ticket key: a beat for one main server says nothing to another. */
  to: Hash,
  server: AccessServerRef,
  region: Region,
  /** Unix milliseconds, later with each beat, so that none counts twice. */
  atMs: z.number().int().positive(),
  /** It takes no new legs and will end the joined ones. */
  draining: z.boolean(),
  load: Load,
})
export type BeatPayload = z.infer<typeof BeatPayload>

/**
 * What a device may ask where it cannot reach the main server (typ `bulletin`, ticket key): for each device that has something waiting, the first 128 bits of
 * HMAC-SHA-256(its bulletin key, salt) in base64url; and as many of chance, so that the number tells nothing.
 */
const mark = z.string().regex(/^[A-Za-z0-9_-]{22}$/)
export const BulletinPayload = z.strictObject({
  version: z.literal(1),
  /** Unix seconds. */
  issuedAt: z.number().int().positive(),
  salt: Hash,
  marks: z.array(mark).max(1_024),
})
export type BulletinPayload = z.infer<typeof BulletinPayload>
/** Longer than other compact JWS, for its marks. */
export const Bulletin = z
  .string()
  .max(60_000)
  .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/)

/** `GET /bulletin` at an access server, without a ticket: 200 and this, or 503 where it has none that is fresh. */
export const bulletinPath = '/bulletin'
export const BulletinAnswer = z.strictObject({ bulletin: Bulletin })

export const accessApi = {
  /** Refused with `access-server.unknown` (name, key, another main server, an old beat), `access-server.facts-differ {field}`, `access.clock-off {seconds}`. */
  'access-server.beat': {
    input: z.strictObject({ beat: CompactJws }),
    output: z.object({
      bulletin: Bulletin,
      /** The newest list of the servers' keys (`server-keys.ts`), once there is one. */
      serverKeys: CompactJws.optional(),
      /** How the authority's key came to be another one (`authority-keys.ts`). It counts before that list. */
      authorityKeys: z.array(CompactJws).max(maxAuthorityStatements).optional(),
    }),
  },
} satisfies Contract
export type AccessApi = typeof accessApi

/** Milliseconds. Three beats missed and a little more: it is out, until its next beat. */
export const beatTiming = { intervalMs: 2_000, lostAfterMs: 7_000 } as const

/** Seconds. A bulletin may be this old where it is read; one that an access server holds longer is not handed out. */
export const bulletinFreshSeconds = 120
