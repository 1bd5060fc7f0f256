import { BlockList, isIP } from 'node:net'

/**
 * What is not the public internet (IANA special-purpose address registries, RFC 6890): an address in a directory must not make this server knock at its own
 * network. Of IPv6 only 2000::/3 is public at all, and in it neither documentation nor the ranges that carry an IPv4 address.
 */
const special4 = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24'],
  ...['192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24', '192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24'],
  ...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
]
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

const blocked = blockListOf([...special4, ...special6])
const unicast6 = blockListOf(['2000::/3'])

export function isPublic(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !blocked.check(address, 'ipv4')
  return version === 6 && unicast6.check(address, 'ipv6') && !blocked.check(address, 'ipv6')
}

/** Networks in CIDR notation. */
export function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length = ''] = network.split('/')
    list.addSubnet(address, Number(length), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}
