import { randomBytes } from 'node:crypto'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { z } from 'zod'
import type { Hospital } from './hospital.ts'

/** What this sandbox made up at its first start, and the ports it last used. No key of a specialist is in here: those live in memory only. */
const Credentials = z.strictObject({
  version: z.literal(1),
  specialists: z.record(z.string(), z.strictObject({ password: z.string(), totpSecret: z.string() })),
  /** Passphrases of the two officers of this sandbox's specialist authority. */
  officers: z.record(z.string(), z.string()),
  /** Passphrase of the customers' policy key. */
  policy: z.string().default(newPassword),
  enrolment: z.record(z.string(), z.string()),
  ports: z.strictObject({ people: z.number(), agents: z.number(), access1: z.number(), access2: z.number(), panels: z.number() }).partial(),
})
export type Credentials = z.infer<typeof Credentials>

export function openCredentials(path: string, hospital: Hospital): Credentials {
  const known = readJsonFileIfThere(path, Credentials)
  const devices = hospital.customers.flatMap(({ sites }) => sites.flatMap((site) => site.devices))
  // The practice device may have come since.
  const lacking = known ? devices.filter(({ id, practice }) => practice && known.enrolment[id] === undefined) : devices
  const enrolment = { ...known?.enrolment, ...Object.fromEntries(lacking.map(({ id }) => [id, base32(randomBytes(20))])) }
  if (known && lacking.length === 0) return known
  const made: Credentials = {
    version: 1,
    specialists: Object.fromEntries(hospital.specialists.map(({ username }) => [username, { password: newPassword(), totpSecret: base32(randomBytes(20)) }])),
    officers: { 'first-officer': newPassword(), 'second-officer': newPassword() },
    policy: newPassword(),
    ports: {},
    ...known,
    enrolment,
  }
  writeJsonFile(path, made, 0o600)
  return made
}

export function rememberPorts(path: string, credentials: Credentials, ports: Credentials['ports']): void {
  writeJsonFile(path, { ...credentials, ports }, 0o600)
}

/** 80 bits in four groups that can be typed. */
function newPassword(): string {
  return (base32(randomBytes(10)).toLowerCase().match(/.{4}/g) ?? []).join('-')
}

/** RFC 4648 base 32 without padding. */
export function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let text = ''
  let value = 0
  let bits = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(value >>> (bits - 5)) & 31]
    value &= 31
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}
