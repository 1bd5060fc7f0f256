import { z } from 'zod'
import { requestLimits } from './access-request.ts'
import { AllowedHost, AllowList, IpAddress } from './allow-list.ts'

/**
 * The firewall passport: what a device found on its way to every host of its allow-list, hop by hop (R017). It holds names, addresses and ports, which an IT department
 * needs anyway, and no secret.
 */
export const CheckHop = z.enum(['dns', 'proxy', 'tcp', 'tls', 'answer', 'upgrade'])
export type CheckHop = z.infer<typeof CheckHop>

/** What stands in the way, as a code; `words/passport.*` says what it means and what to ask for. */
export const TroubleCode = z.enum([
  'name-unknown',
  'no-connection',
  'proxy-unreachable',
  'proxy-certificate',
  'proxy-credentials',
  'proxy-forbids',
  'proxy-fails',
  'intercepted',
  'certificate-date',
  'wrong-certificate',
  'tls-cut',
  'no-answer',
  'no-upgrade',
])
export type TroubleCode = z.infer<typeof TroubleCode>
const Trouble = z.strictObject({ code: TroubleCode, details: z.record(z.string().max(40), z.union([z.string().max(253), z.number()])) })
export type Trouble = z.infer<typeof Trouble>

const CheckedHop = z.strictObject({ hop: CheckHop, verdict: z.enum(['waiting', 'passes', 'fails', 'not-tried']), trouble: Trouble.nullable() })
export type CheckedHop = z.infer<typeof CheckedHop>
export const CheckedHost = AllowedHost.extend({
  /** What DNS said; none where it was not asked. */
  found: z.array(IpAddress).max(16),
  /** False for what this device needs no more (its enrolment is done); then nothing was tried. */
  needed: z.boolean(),
  hops: z.array(CheckedHop).max(6),
})
export type CheckedHost = z.infer<typeof CheckedHost>

export const Passport = z.strictObject({
  version: z.literal(1),
  madeAt: z.iso.datetime(),
  device: z.string().max(80),
  proxy: AllowList.shape.proxy,
  hosts: z.array(CheckedHost).max(40),
  /** Positive: the device is ahead of the server. Null: no server said the time. */
  clock: z.strictObject({ verdict: z.enum(['waiting', 'passes', 'fails', 'not-tried']), offsetSeconds: z.number().int().nullable() }),
  /** `open`: everything passes. `limited`: it works, with less to fall back on. `closed`: it does not work. */
  verdict: z.enum(['running', 'open', 'limited', 'closed']),
})
export type Passport = z.infer<typeof Passport>

/** How far the clocks may lie apart before signed times are refused (`requestLimits`). */
export function judgeClock(offsetSeconds: number | null): Passport['clock'] {
  if (offsetSeconds === null) return { verdict: 'not-tried', offsetSeconds }
  const fits = Math.abs(offsetSeconds) <= requestLimits.slackSeconds
  return { verdict: fits ? 'passes' : 'fails', offsetSeconds }
}

export function hostPasses({ hops }: CheckedHost): boolean {
  return hops.every(({ verdict }) => verdict === 'passes')
}

/** One main server and one access server are enough to work; before the enrolment no access server is known. */
export function judgePassport({ hosts, clock }: Pick<Passport, 'hosts' | 'clock'>): Exclude<Passport['verdict'], 'running'> {
  const needed = hosts.filter((host) => host.needed)
  if (needed.every(hostPasses) && clock.verdict === 'passes') return 'open'
  const works = (['main-server', 'enrolment', 'access-server'] as const).every((purpose) => {
    const rows = needed.filter((host) => host.purpose === purpose)
    return rows.length === 0 || rows.some(hostPasses)
  })
  return works && clock.verdict !== 'fails' ? 'limited' : 'closed'
}

export type Finding = { host: CheckedHost; hop: CheckHop; trouble: Trouble }

/** What fails, in order. The same trouble of several hosts is each time a sentence of its own: rules are written host by host. */
export function findingsOf({ hosts }: Pick<Passport, 'hosts'>): Finding[] {
  return hosts.flatMap((host) => host.hops.flatMap(({ hop, trouble }) => (trouble ? [{ host, hop, trouble }] : [])))
}
