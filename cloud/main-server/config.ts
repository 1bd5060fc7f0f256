import { isIP } from 'node:net'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { FixedServer } from './listed-servers.ts'
import { MailSettings, WebhookSettings } from './notice-settings.ts'
import { UpstreamSettings } from './upstream-settings.ts'

/** What the main server is started with. All paths are absolute; the files of `tls` are PEM. */
export const Config = z.strictObject({
  /** Database, keys, audit; made with mode 0700 where missing. One server per folder. */
  stateDir: z.string().min(1),
  /** Shown to people. */
  name: z.string().min(1).max(60),
  host: z.string().min(1),
  /** 0 = any free port. */
  peoplePort: z.number().int().min(0).max(65_535),
  agentPort: z.number().int().min(0).max(65_535),
  tls: z.strictObject({ cert: z.string(), key: z.string() }),
  /** The name or address by which everybody reaches it; requests for another `Host` are refused. */
  publicHost: z.string().min(1),
  /** `host` and `publicHost` of the agents' listener, where it has an address of its own: so both listeners can be on port 443. */
  agentHost: z.string().min(1).optional(),
  publicAgentHost: z.string().min(1).optional(),
  /** Further names by which agents and clients may reach it, for each of which its certificate must count (R024). The issuer of sign-ins is under `publicHost` alone. */
  otherNames: z.array(z.string().min(1)).max(7).default([]),
  /** The offline authority's public key, under which specialists' certificates and the roster are checked. */
  authorityKey: PublicJwk,
  /** Where the authority's output is put: `roster.jws` and `certificates/<username>.jws`. Watched. */
  authorityIn: z.string().min(1),
  /** Read at each start; what is new or changed in it is taken over. */
  seedFile: z.string().nullable(),
  sandbox: z.boolean().default(false),
  /** The organisation's own OpenID provider. With it, nobody signs in by a password kept here; only a sandbox, or a server whose name ends in `.test`, starts without it (R069). */
  upstream: UpstreamSettings.nullable().default(null),
  /** The operator's list of access servers (`listed-servers.ts`). Watched. */
  fleetFile: z.string().nullable().default(null),
  /** Used where there is no list, for tests: always up, since nobody knows better. */
  accessServers: z.array(FixedServer).default([]),
  /** How the customers' contacts are told of sessions; to whom is in the directory. Without `mail` no mail leaves. */
  notices: z.strictObject({ mail: MailSettings.nullable().default(null), webhook: WebhookSettings.prefault({}) }).prefault({}),
  /** Where what the release officer signed is put, with the files that it names (`release/README.md`); null: no updates of the desktop client are offered here. */
  desktopUpdates: z.string().min(1).nullable().default(null),
  /** Where what the release officer signed for licensed features is put, a folder for each; null: devices can download none here (R011). */
  licensedSoftware: z.string().min(1).nullable().default(null),
  stopWithStdin: z.boolean().default(false),
})
export type Config = z.infer<typeof Config>

/** True for what never leaves this machine (RFC 6761 section 6.3 for the name): nothing else may call itself a sandbox. */
export function isLoopback(host: string): boolean {
  return host === '::1' || host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** RFC 6761 section 6.2: names below `.test` are in no public DNS, and no public authority certifies them. */
export function isForTests(host: string): boolean {
  return /\.test$/.test(host)
}

/** `https://host:port`, with the brackets that an IPv6 literal needs (RFC 3986 section 3.2.2), and without the port where it is 443: an issuer is compared as text. */
export function originOf(host: string, port: number): string {
  return new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`).origin
}

/** What the header `Host` may say on a listener: its own name, and the others, on the same port. */
export function hostsOf({ otherNames }: Config, origin: string): string[] {
  const port = Number(new URL(origin).port || 443)
  return [origin, ...otherNames.map((name) => originOf(name, port))].map((one) => new URL(one).host)
}
