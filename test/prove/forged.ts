import { createHmac } from 'node:crypto'
import { signTextNow } from '../../shared/node/signing.ts'
import { type CompactJws, jwsTypes } from '../../shared/ticket.ts'
import { people } from '../support/access-world.ts'
import type { AccessDelivery } from '../support/people.ts'
import { createChance } from './proof.ts'

/** What a forger does to signed texts. */
export type Draw = { of<T>(list: readonly T[]): T; below(n: number): number }
export function createDraw(seed: number): Draw {
  const chance = createChance(seed)
  const below = (n: number) => Math.floor(chance() * n)
  return { below, of: (list) => list[below(list.length)] as never }
}

// biome-ignore lint/suspicious/noExplicitAny: what a forger reads
export const read = (jws: string): any => JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'))
export function editField(delivery: AccessDelivery, draw: Draw): AccessDelivery {
  const which = draw.of(['ticket', 'certificate', 'request'] as const)
  const change = (payload: Record<string, unknown>) => {
    const name = draw.of(Object.keys(payload))
    const value = payload[name]
    const edited = typeof value === 'number' ? value + 1 : typeof value === 'string' ? `${value}x` : value === null ? 'x' : null
    return Buffer.from(JSON.stringify({ ...payload, [name]: edited })).toString('base64url')
  }
  if (which === 'request') {
    const payload = JSON.parse(Buffer.from(delivery.request.payload, 'base64url').toString('utf8'))
    return { ...delivery, request: { ...delivery.request, payload: change(payload) } }
  }
  const [header, , signature] = delivery[which].split('.')
  return { ...delivery, [which]: [header, change(read(delivery[which])), signature].join('.') }
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** Not the last character of a part, some of whose bits mean nothing. */
export function editText<T extends string>(text: T, draw: Draw): T {
  const places = [...text].flatMap((character, at) => (character !== '.' && text[at + 1] !== '.' && at < text.length - 1 ? [at] : []))
  const at = draw.of(places)
  const other = draw.of([...alphabet].filter((character) => character !== text[at]))
  return `${text.slice(0, at)}${other}${text.slice(at + 1)}` as T
}

export function editCharacter(delivery: AccessDelivery, draw: Draw): AccessDelivery {
  const which = draw.of(['ticket', 'certificate', 'request'] as const)
  if (which === 'request') return { ...delivery, request: { ...delivery.request, payload: editText(delivery.request.payload, draw) } }
  return { ...delivery, [which]: editText(delivery[which], draw) }
}

export function reheaded(delivery: AccessDelivery, draw: Draw, change: object, signature?: string): AccessDelivery {
  const which = draw.of(['ticket', 'certificate'] as const)
  const [header = '', payload, before] = delivery[which].split('.')
  const other = { ...JSON.parse(Buffer.from(header, 'base64url').toString('utf8')), ...change }
  return { ...delivery, [which]: [Buffer.from(JSON.stringify(other)).toString('base64url'), payload, signature ?? before].join('.') }
}

/** The old confusion: a verifier that lets the header choose takes the public key for a shared secret. */
export function hmacTicket(delivery: AccessDelivery): AccessDelivery {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: jwsTypes.ticket })).toString('base64url')
  const input = `${header}.${delivery.ticket.split('.')[1]}`
  const signature = createHmac('sha256', JSON.stringify(people.ticketKey.publicJwk)).update(input).digest('base64url')
  return { ...delivery, ticket: `${input}.${signature}` as CompactJws }
}

export function twice(delivery: AccessDelivery, draw: Draw): AccessDelivery {
  const text = Buffer.from(delivery.ticket.split('.')[1] ?? '', 'base64url').toString('utf8')
  const name = draw.of(['access', 'deviceId', 'specialistId', 'minutes', 'requestId'])
  const first = { access: '"diagnostics"', minutes: '1' }[name] ?? '"x"'
  return { ...delivery, ticket: signTextNow('ticket', `{"${name}":${first},${text.slice(1)}`, people.ticketKey.privateKey) }
}
