import { z } from 'zod'
import type { AccessServerRef } from './ticket.ts'

/**
 * Every host that an agent may reach, and nothing else (R027, R040). Worked out on the device from its own config and its enrolment; the dialler enforces it, and what IT departments
 * get (JSON, CSV, guide, firewall rules) is printed from it.
 */
export const IpAddress = z.union([z.ipv4(), z.ipv6()])
/** A name of DNS (RFC 1123 section 2.1) or an address, without brackets. Nothing that could break out of a rule, a cell or a line. */
export const HostName = z
  .string()
  .toLowerCase()
  .max(253)
  .regex(/^[a-z0-9][a-z0-9:._-]*$|^::[a-f0-9:]*$/)
const port = z.number().int().min(1).max(65_535)
const words = z.string().max(60)

export const AllowedHost = z.strictObject({
  /** `enrolment` is used once, when the device is enrolled; the others always. */
  purpose: z.enum(['main-server', 'enrolment', 'access-server']),
  name: words,
  host: HostName,
  /** Documented, fixed addresses; none: by DNS. */
  addresses: z.array(IpAddress).max(16),
  site: words,
  /** 443 in production (R038). */
  port,
})
export type AllowedHost = z.infer<typeof AllowedHost>

export const AllowList = z.strictObject({
  version: z.literal(1),
  device: z.string().max(80),
  /** The customer's own proxy, where the device goes through one; it then dials nothing else. */
  proxy: z.strictObject({ host: HostName, port }).nullable(),
  hosts: z.array(AllowedHost).max(40),
})
export type AllowList = z.infer<typeof AllowList>

export type AllowListFacts = {
  device: string
  proxy: AllowList['proxy']
  mainServers: readonly { name?: string | undefined; site?: string | undefined; enrolOrigin: string; agentOrigin: string }[]
  accessServers: readonly AccessServerRef[]
  /** Fixed addresses by host. */
  addresses: Readonly<Record<string, readonly string[]>>
}

/** The list, sorted as it is read: main servers first. One row per host and port; the first purpose counts. Throws a ZodError for a name that is no host. */
export function allowListOf({ device, proxy, mainServers, accessServers, addresses }: AllowListFacts): AllowList {
  const known = new Map(Object.entries(addresses).map(([host, list]) => [hostOf(host), [...list]]))
  const row = (purpose: AllowedHost['purpose'], { name, site }: { name: string; site: string }, at: { host: string; port: number }): AllowedHost => {
    const host = hostOf(at.host)
    return { purpose, name, host, addresses: known.get(host) ?? [], site, port: at.port }
  }
  const named = mainServers.map((server, index) => ({ ...server, name: server.name ?? `main-server-${index + 1}`, site: server.site ?? '' }))
  const rows = [
    ...named.map((server) => row('main-server', server, hostAndPort(server.agentOrigin))),
    ...named.map((server) => row('enrolment', server, hostAndPort(server.enrolOrigin))),
    ...accessServers.map((server) => row('access-server', server, server)),
  ]
  const hosts = rows.filter((one, index) => rows.findIndex(({ host, port }) => host === one.host && port === one.port) === index)
  return AllowList.parse({ version: 1, device, proxy, hosts })
}

/** The row that allows this connection, or undefined. */
export function findAllowed(list: AllowList, { host, port: wanted }: { host: string; port: number }): AllowedHost | undefined {
  const name = hostOf(host)
  return list.hosts.find((one) => one.host === name && one.port === wanted)
}

/** `host:port` as people write it; an IPv6 address in brackets (RFC 3986 section 3.2.2). */
export function addressText({ host, port: number }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${number}`
}

/** RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe. */
export function allowListCsv(list: AllowList): string {
  const columns = ['purpose', 'name', 'host', 'addresses', 'site', 'port'] as const
  const cell = (value: string) => `"${value.replace(/^(?=[=+@\t-])/, "'").replaceAll('"', '""')}"`
  const rows = list.hosts.map((one) => columns.map((column) => cell(column === 'addresses' ? one.addresses.join(' ') : String(one[column]))).join(','))
  return `${[columns.join(','), ...rows].join('\r\n')}\r\n`
}

function hostAndPort(origin: string): { host: string; port: number } {
  // No `URL` here: this file runs anywhere. An origin was one when it was read.
  const [, host = '', number = '443'] = /^https:\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?$/.exec(origin) ?? []
  return { host, port: Number(number) }
}

function hostOf(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase()
}
