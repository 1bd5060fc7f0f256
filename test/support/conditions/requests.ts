import { generateSigningKey } from '../../../shared/node/signing.ts'
import { people, trust } from '../access-world.ts'
import type { Asked } from '../people.ts'
import { caseId } from './main-desk.ts'

/** What a workstation may ask: rightly, for less, or with a key that is not the person's. */
export const kinds = ['os', 'diagnostics', 'files', 'without the support key', 'without the specialist key', 'for somebody else'] as const
export type Kind = (typeof kinds)[number]
export type AskedFor = Pick<Asked, 'request' | 'nonce' | 'delivery'> & { signedByBoth: boolean }

const stranger = generateSigningKey()
const device = { deviceId: trust.deviceId as never, deviceKey: trust.deviceKey }
const made = new Map<string, Promise<Asked>>()

/** Signed once for each moment and place in a history: thousands of histories ask the same things. */
export async function requestOf(kind: Kind, { nowMs, place }: { nowMs: number; place: number }): Promise<AskedFor> {
  const nowSeconds = Math.floor(nowMs / 1_000)
  const name = `${kind} ${nowSeconds} ${place}`
  const known = made.get(name) ?? make(kind, nowSeconds)
  made.set(name, known)
  const { request, nonce, delivery } = await known
  return { request, nonce, delivery, signedByBoth: !kind.startsWith('without') }
}

function make(kind: Kind, nowSeconds: number): Promise<Asked> {
  const access = kind === 'diagnostics' || kind === 'files' ? kind : 'os'
  const signers = kind === 'without the support key' ? { support: people.specialist } : kind === 'without the specialist key' ? { specialist: stranger } : {}
  return people.request(device, { request: { access, caseId }, signers, nowSeconds })
}
