import { type AllowList, addressText } from './allow-list.ts'

/**
 * The allow-list as rules for nftables, to be loaded as they are (R040). `device`: on the device's own way out. `router`: on the hospital's, for what comes from and goes to the device
 * alone; other traffic is none of its business. Both count what they refuse (`counter refused`).
 */
export type RulesWith = {
  at: { kind: 'device' } | { kind: 'router'; devices: readonly string[] }
  /** Who answers the device's DNS; none where every host has fixed addresses. */
  resolvers: readonly string[]
  /** What DNS says now, for hosts without a documented address, and for the proxy. */
  resolved?: Readonly<Record<string, readonly string[]>>
  /** Hosts that are reached without the proxy. */
  direct?: readonly string[]
}

/** Rules that name exactly the hosts and ports of the list; with a proxy only the proxy may be reached but for its exceptions, and comments say what the proxy has to let through. */
export function allowListRules(list: AllowList, { at, resolvers, resolved = {}, direct = [] }: RulesWith): string {
  const straight = list.proxy ? list.hosts.filter(({ host }) => direct.includes(host)) : list.hosts
  const reached = [...(list.proxy ? [{ purpose: 'proxy', ...list.proxy, addresses: [] as string[] }] : []), ...straight]
  const known = reached.map((one) => ({
    ...one,
    addresses: one.addresses.length > 0 ? one.addresses : isAddress(one.host) ? [one.host] : (resolved[one.host] ?? []),
  }))
  const lines = [
    ...known.flatMap((one) => [`# ${one.purpose} ${addressText(one)}`, ...accept(one.addresses, `tcp dport ${one.port}`)]),
    ...list.hosts.filter((one) => !straight.includes(one)).map((one) => `# ${one.purpose} ${addressText(one)}, through the proxy`),
    ...(resolvers.length > 0 ? ['# DNS', ...accept(resolvers, 'meta l4proto { tcp, udp } th dport 53')] : []),
  ]
  const open = ['ct state established,related accept', ...lines, 'counter name refused drop']
  return [
    '#!/usr/sbin/nft -f',
    `# Allow-list of ${plain(list.device)}: nothing else leaves it.`,
    'table inet gantry',
    'delete table inet gantry',
    'table inet gantry {',
    ...indent(['counter refused {}', ...(at.kind === 'device' ? deviceChains(open, known) : routerChains(open, at.devices))]),
    '}',
    '',
  ].join('\n')
}

/** An address that is not on the list is refused here, whichever program asks: what does not fit a device that does more than one thing belongs to the router. */
function deviceChains(open: string[], known: readonly { addresses: readonly string[] }[]): string[] {
  // Without neighbour discovery there is no IPv6 (RFC 4861).
  const neighbours = known.some(({ addresses }) => addresses.some(isV6))
    ? ['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept']
    : []
  return chain('out', ['type filter hook output priority filter; policy drop;', 'oifname "lo" accept', ...neighbours, ...open])
}

function routerChains(open: string[], devices: readonly string[]): string[] {
  const [from, to] = (['saddr', 'daddr'] as const).map((field) => split(devices).map(([family, list]) => `${family} ${field} { ${list.join(', ')} } jump`))
  return [
    ...chain('from_device', open),
    // Nothing is ever opened towards a device (R037).
    ...chain('to_device', ['ct state established,related accept', 'counter name refused drop']),
    ...chain('through', [
      'type filter hook forward priority filter; policy accept;',
      ...(from ?? []).map((rule) => `${rule} from_device`),
      ...(to ?? []).map((rule) => `${rule} to_device`),
    ]),
  ]
}

function accept(addresses: readonly string[], what: string): string[] {
  if (addresses.length === 0) return ['# no address documented, and none found: not reachable until one is written here']
  return split(addresses).map(([family, list]) => `${family} daddr { ${list.join(', ')} } ${what} counter accept`)
}

function split(addresses: readonly string[]): ['ip' | 'ip6', string[]][] {
  const families: ['ip' | 'ip6', string[]][] = [
    ['ip', addresses.filter((one) => !isV6(one))],
    ['ip6', addresses.filter(isV6)],
  ]
  return families.filter(([, list]) => list.length > 0)
}

function chain(name: string, lines: string[]): string[] {
  return [`chain ${name} {`, ...indent(lines), '}']
}

const indent = (lines: string[]) => lines.map((line) => `  ${line}`)
const isV6 = (address: string) => address.includes(':')
const isAddress = (host: string) => isV6(host) || /^[0-9.]+$/.test(host)
/** A comment must stay one: the name of a device is its owner's text. */
const plain = (text: string) => text.replaceAll(/[^\p{L}\p{N} .,_-]/gu, '?')
