import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { createAllowedDial } from '../agent/allowed-dial.ts'
import { silentLog } from '../agent/log.ts'
import { printedGuides } from '../scripts/it-guide.ts'
import { AllowList, allowListCsv, allowListOf } from '../shared/allow-list.ts'
import { allowListRules } from '../shared/allow-list-rules.ts'
import { itGuide } from '../shared/it-guide.ts'
import { itGuideEn } from '../shared/words/it-guide.en.ts'
import { itGuideFr } from '../shared/words/it-guide.fr.ts'
import { passportEn } from '../shared/words/passport.en.ts'
import { passportFr } from '../shared/words/passport.fr.ts'

/** One list, six forms: each is read back by itself, and all must name the same hosts and ports (R040, R048, goal D36). */
const docs = join(import.meta.dirname, '../docs')
const published = AllowList.parse(JSON.parse(readFileSync(join(docs, 'endpoints.json'), 'utf8')))
const places = (found: { host: string; port: number }[]) => found.map(({ host, port }) => `${host} ${port}`).sort()

function ofGuide(markdown: string) {
  const rows = [...markdown.matchAll(/^\| [^|]+ \| [^|]+ \| `([^`|]+)` \| ([^|]+) \| [^|]+ \| (\d+) \|$/gm)]
  return places(rows.map(([, host = '', , port]) => ({ host, port: Number(port) })))
}
function ofCsv(csv: string) {
  const [head = '', ...rows] = csv.trim().split('\r\n')
  const at = (column: string) => head.split(',').indexOf(column)
  return places(
    rows.map((row) => {
      const cells = row.split(',').map((cell) => cell.replaceAll('"', ''))
      return { host: cells[at('host')] ?? '', port: Number(cells[at('port')]) }
    }),
  )
}
/** Each accepting rule, by the addresses that it names. */
function ofRules(rules: string, list: AllowList) {
  const byAddress = new Map(list.hosts.flatMap(({ host, addresses }) => addresses.map((address) => [address, host])))
  const accepted = [...rules.matchAll(/^\s*ip6? daddr \{ ([^}]+) \} tcp dport (\d+) counter accept$/gm)]
  const found = accepted.flatMap(([, addresses = '', port]) =>
    addresses.split(', ').map((address) => ({ host: byAddress.get(address) ?? address, port: Number(port) })),
  )
  return [...new Set(places(found))]
}
async function enforced(list: AllowList) {
  const dialled: { host: string; port: number }[] = []
  const take = async (target: { host: string; port: number }) => {
    dialled.push(target)
    return {} as TLSSocket
  }
  const dial = createAllowedDial(take, { allowList: () => list, audit: () => undefined, log: silentLog })
  const ports = [80, 443, 8_080, 8_443, 17_001, 17_002]
  const hosts = [...list.hosts.map(({ host }) => host), 'elsewhere.example', '192.0.2.99']
  await Promise.allSettled(hosts.flatMap((host) => ports.map((port) => dial({ host, port }))))
  return [...new Set(places(dialled))]
}

describe('the allow-list', () => {
  test('R027, R038, R048: guides in English and French, JSON, CSV, firewall rules and the dialler name the same hosts and ports, all 443', async () => {
    const wanted = places(published.hosts)
    expect(wanted).toHaveLength(6)
    expect(published.hosts.map(({ port }) => port)).toEqual(Array(6).fill(443))
    expect(ofGuide(itGuide(published, itGuideEn, passportEn))).toEqual(wanted)
    expect(ofGuide(itGuide(published, itGuideFr, passportFr))).toEqual(wanted)
    expect(places(AllowList.parse(JSON.parse(JSON.stringify(published))).hosts)).toEqual(wanted)
    expect(ofCsv(allowListCsv(published))).toEqual(wanted)
    expect(ofRules(allowListRules(published, { at: { kind: 'device' }, resolvers: [] }), published)).toEqual(wanted)
    expect(ofRules(allowListRules(published, { at: { kind: 'router', devices: ['192.0.2.50'] }, resolvers: [] }), published)).toEqual(wanted)
    expect(await enforced(published)).toEqual(wanted)
  })

  test('R017, R048: the guides in docs/ are what the list gives; they ask for no VPN and no port forwarding (R050)', () => {
    for (const [name, text] of Object.entries(printedGuides())) expect(readFileSync(join(docs, name), 'utf8'), `run: node scripts/it-guide.ts`).toBe(text)
    expect(printedGuides()['it-guide.en.md']).toMatch(/No VPN, no change of routing/)
  })

  test('is worked out from the device’s config and its enrolment, one row per host and port, the first purpose first', () => {
    const one = { enrolOrigin: 'https://Gantry.Example', agentOrigin: 'https://gantry.example' }
    const two = { enrolOrigin: 'https://[2001:db8::1]:8443', agentOrigin: 'https://192.0.2.4:8443', name: 'west', site: 'West' }
    const { hosts } = allowListOf({
      device: 'CT Suite 3',
      proxy: null,
      mainServers: [one, two],
      accessServers: [{ name: 'access-1', site: 'East', host: 'access.example', port: 443 }],
      addresses: { 'access.example': ['192.0.2.7', '2001:db8::7'] },
    })
    expect(hosts.map(({ purpose, name, host, port }) => [purpose, name, host, port])).toEqual([
      ['main-server', 'main-server-1', 'gantry.example', 443],
      ['main-server', 'west', '192.0.2.4', 8443],
      ['enrolment', 'west', '2001:db8::1', 8443],
      ['access-server', 'access-1', 'access.example', 443],
    ])
    expect(hosts.at(-1)?.addresses).toEqual(['192.0.2.7', '2001:db8::7'])
  })

  test.each(['a b', 'x;drop', 'x"y', '$(reboot)', 'x\ny', ''])('refuses a host name that could break out of a rule or a cell (%j)', (host) => {
    const facts = { device: 'x', proxy: null, mainServers: [], accessServers: [{ name: 'a', site: '', host, port: 443 }], addresses: {} }
    expect(() => allowListOf(facts)).toThrow()
  })

  test('a cell that a spreadsheet would run is text', () => {
    const facts = { device: 'x', proxy: null, mainServers: [], accessServers: [{ name: '=cmd()', site: 'a "b", c', host: 'h', port: 443 }], addresses: {} }
    expect(allowListCsv(allowListOf(facts))).toContain(`"'=cmd()","h","","a ""b"", c","443"`)
  })

  test('R040: behind a proxy the device may reach the proxy and its exceptions only, and the rules say what the proxy lets through', () => {
    const list: AllowList = { ...published, proxy: { host: 'proxy.hospital.example', port: 3128 } }
    const rules = allowListRules(list, {
      at: { kind: 'device' },
      resolvers: ['192.0.2.53'],
      resolved: { 'proxy.hospital.example': ['192.0.2.40'] },
      direct: ['access-3.gantry.example'],
    })
    expect(ofRules(rules, list)).toEqual(['192.0.2.40 3128', 'access-3.gantry.example 443'])
    expect(rules).toContain('# access-server access-1.gantry.example:443, through the proxy')
    expect(rules).toContain('ip daddr { 192.0.2.53 } meta l4proto { tcp, udp } th dport 53 counter accept')
    expect(itGuide(list, itGuideEn, passportEn)).toContain('proxy.hospital.example:3128')
  })

  test('a host without any address is not reachable, and the rules say so instead of opening more', () => {
    const [first, ...others] = published.hosts
    if (!first) throw new Error('no host')
    const list = { ...published, hosts: [{ ...first, addresses: [] }, ...others] }
    const rules = allowListRules(list, { at: { kind: 'device' }, resolvers: [] })
    expect(rules).toContain(`# main-server ${first.host}:443\n    # no address documented, and none found`)
    expect(ofRules(rules, list)).not.toContain(`${first.host} 443`)
  })
})
