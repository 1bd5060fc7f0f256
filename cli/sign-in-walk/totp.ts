import { createHmac } from 'node:crypto'

/** Seconds that one code is good for (RFC 6238 section 5.2). */
export const totpStepSeconds = 30
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Six digits by RFC 6238 with HMAC-SHA-1; `secret` in base 32 (RFC 4648 section 6). */
export function totp(secret: string, nowMs: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / 1_000 / totpStepSeconds)))
  const mac = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  return ((mac.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).toString().padStart(6, '0')
}

function fromBase32(text: string): Buffer {
  let bits = ''
  for (const character of text.toUpperCase().replace(/=+$/, '')) bits += alphabet.indexOf(character).toString(2).padStart(5, '0')
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
}
