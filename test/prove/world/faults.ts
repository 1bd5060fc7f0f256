import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Host, Net } from './world.ts'

/** What goes wrong in a network, done to the one in namespaces. */
type Neighbour = Exclude<Host, 'inet' | 'device'>

/** The hospital's line, both ways, with room for 200 ms of waiting packets. */
export function limitRate(net: Net, mbitPerSecond: number): void {
  const burst = Math.max(16_000, mbitPerSecond * 1_000)
  for (const [host, cable] of [
    ['hospital', 'above'],
    ['inet', 'hospital'],
  ] as const) {
    net.run(host, ['tc', 'qdisc', 'replace', 'dev', cable, 'root', 'tbf', 'rate', `${mbitPerSecond}mbit`, 'burst', `${burst}`, 'latency', '200ms'])
  }
}

/** Drops what goes from one host to the other, in that direction only; gives what takes it away again. */
export function wall(net: Net, { from, to }: { from: Neighbour; to: Neighbour }): () => void {
  const table = `wall_${from}_${to}`
  net.firewall('inet', `table inet ${table} { chain cut { type filter hook forward priority -10; iifname "${from}" oifname "${to}" drop; }; }`)
  return () => void net.run('inet', ['nft', 'delete', 'table', 'inet', table])
}

/** Every n-th packet in a hundred, by chance, both ways. */
export function losePackets(net: Net, percent: number): void {
  net.firewall(
    'inet',
    `table inet loss { chain cut { type filter hook forward priority -20; iifname "hospital" numgen random mod 100 < ${percent} drop; oifname "hospital" numgen random mod 100 < ${percent} drop; }; }`,
  )
}

/** As a hospital's DHCP does over night: the old address is gone, and every connection from it. */
export function renumberDevice(net: Net): void {
  const { v4 } = net.address.device
  const net24 = v4.slice(0, v4.lastIndexOf('.'))
  const now = net.run('device', ['ip', '-4', '-o', 'addr', 'show', 'dev', 'above'])
  const old = /inet (\S+)\//.exec(now)?.[1] ?? v4
  const next = `${net24}.${old.endsWith('.2') ? 20 : Number(old.slice(old.lastIndexOf('.') + 1)) + 1}`
  net.run('device', ['ip', 'addr', 'del', `${old}/24`, 'dev', 'above'])
  net.run('device', ['ip', 'addr', 'add', `${next}/24`, 'dev', 'above'])
  net.run('device', ['ip', 'route', 'replace', 'default', 'via', `${net24}.1`])
}

/** A packet of a connection that is not in the table belongs to none, and is dropped: as with the NAT of a real firewall. */
export function forgetConnections(net: Net): void {
  net.run('hospital', ['sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_loose=0'])
  net.run('hospital', ['conntrack', '-F'])
}

/** The device's cable becomes one that takes so long each way: the veth goes, a pair of TUN interfaces of the same names and addresses comes. */
export async function lengthenCable(net: Net, oneWayMs: number): Promise<() => void> {
  const [device, hospital] = [namespaceOf(net, 'device'), namespaceOf(net, 'hospital')]
  net.run('device', ['ip', 'link', 'del', 'above'])
  const child = spawn('python3', [join(import.meta.dirname, 'delay.py'), device, 'above', hospital, 'device', String(oneWayMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve)
    child.once('exit', () => reject(new Error('the slow cable did not come up')))
  })
  const { v4, v6 } = net.address.device
  const above = (address: string) => address.replace(/2$/, '1')
  for (const [host, name, own4, own6] of [
    ['device', 'above', v4, v6],
    ['hospital', 'device', above(v4), above(v6)],
  ] as const) {
    net.run(host, ['ip', 'addr', 'add', `${own4}/24`, 'dev', name])
    net.run(host, ['ip', 'addr', 'add', `${own6}/64`, 'dev', name, 'nodad'])
    net.run(host, ['ip', 'link', 'set', 'dev', name, 'up'])
  }
  net.run('device', ['ip', 'route', 'replace', 'default', 'via', above(v4)])
  net.run('device', ['ip', '-6', 'route', 'replace', 'default', 'via', above(v6)])
  return () => child.kill('SIGKILL')
}

export function setMtu(net: Net, bytes: number): void {
  net.run('hospital', ['ip', 'link', 'set', 'dev', 'above', 'mtu', String(bytes)])
  net.run('inet', ['ip', 'link', 'set', 'dev', 'hospital', 'mtu', String(bytes)])
}

/** Nothing gets through the hospital's line in either direction. */
export function cutHospital(net: Net): () => void {
  net.firewall('inet', 'table inet cut { chain cut { type filter hook forward priority -10; iifname "hospital" drop; oifname "hospital" drop; }; }')
  return () => void net.run('inet', ['nft', 'delete', 'table', 'inet', 'cut'])
}

/** How soon the hospital's NAT drops a connection that nothing moves on. */
export function forgetAfter(net: Net, seconds: number): void {
  net.run('hospital', ['sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_loose=0', `net.netfilter.nf_conntrack_tcp_timeout_established=${seconds}`])
}

function namespaceOf(net: Net, host: Host): string {
  return net.on(host, [])[3] ?? ''
}

/** A host that no packet reaches and none leaves: the worst way to be down, since nobody is told. */
export function deaf(net: Net, host: Neighbour): () => void {
  const chains = ['input', 'output'].map((hook) => `chain ${hook} { type filter hook ${hook} priority -10; oifname "above" drop; iifname "above" drop; };`)
  net.firewall(host, `table inet deaf { ${chains.join(' ')} }`)
  return () => void net.run(host, ['nft', 'delete', 'table', 'inet', 'deaf'])
}
