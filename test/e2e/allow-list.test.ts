import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AllowList } from '../../shared/allow-list.ts'
import { Passport } from '../../shared/passport.ts'
import { deviceId } from '../prove/world/desk.ts'
import { openWorld, type World } from '../prove/world/world.ts'
import { canOpenInternet } from '../support/namespaces.ts'

/**
 * The whole system in network namespaces, every server on port 443 by name, and a hospital whose router does what the exported allow-list says and nothing else:
 * the rules are loaded as the device printed them. For root on Linux with nftables.
 */
const agentMain = join(import.meta.dirname, '../../agent/main.ts')
let world: World
let list: AllowList

function agent(command: string, ...argv: string[]) {
  const [program, ...rest] = world.net.on('device', [process.execPath, agentMain, command, '--config', join(world.dir, 'devices/1/device.json'), ...argv])
  const { stdout, stderr, status } = spawnSync(program, rest, { encoding: 'utf8', timeout: 60_000 })
  return { stdout, stderr, status }
}
const printed = () => agent('allow-list', '--format', 'nft', '--router', world.net.address.device.v4).stdout

/** The hospital's own wall steps back; its address translation stays. */
function load(rules: string): void {
  world.net.firewall('hospital', `flush chain inet wall forward\nchain inet wall forward { policy accept; }\n${rules}`)
}
function refused(): number {
  const text = world.net.run('hospital', ['nft', 'list', 'counter', 'inet', 'gantry', 'refused'])
  return Number(/packets (\d+)/.exec(text)?.[1])
}
function connects(from: 'device' | 'outside', host: string, port: number): boolean {
  const [program, ...argv] = world.net.on(from, ['bash', '-c', `exec 3<>/dev/tcp/${host}/${port}`])
  return spawnSync(program, argv, { timeout: 1_500 }).status === 0
}

describe.skipIf(!canOpenInternet())('a hospital whose firewall is the exported allow-list', () => {
  beforeAll(async () => {
    world = await openWorld()
    list = AllowList.parse(JSON.parse(agent('allow-list', '--format', 'json').stdout))
    load(printed())
  })
  afterAll(async () => world?.close())

  test('R038, R040: the list names four hosts, all on 443, and what the device printed is loaded as it is', () => {
    expect(list.hosts.map(({ purpose, port }) => [purpose, port])).toEqual([
      ['main-server', 443],
      ['enrolment', 443],
      ['access-server', 443],
      ['access-server', 443],
    ])
    expect(world.net.run('hospital', ['nft', 'list', 'table', 'inet', 'gantry']).match(/tcp dport 443 .*accept/g)).toHaveLength(4)
  })

  test('R017: the passport says that everything passes, through the router', () => {
    const { stdout, stderr, status } = agent('check', '--format', 'json')
    expect({ status, stderr }).toMatchObject({ status: 0 })
    const { hosts, verdict } = Passport.parse(JSON.parse(stdout))
    expect(verdict).toBe('open')
    expect(hosts.at(-1)?.hops.map(({ hop, verdict: passes }) => `${hop} ${passes}`)).toEqual(['dns passes', 'tcp passes', 'tls passes', 'upgrade passes'])
  })

  test('R037, R038, D7: polls, a request, a shell and its end pass, and not one packet was refused', async () => {
    const { requestId } = await world.client.call('session.open', { device: deviceId, access: 'os' })
    const { shell } = await world.client.call('shell.open', { requestId })
    await world.client.call('shell.type', { shell, everyMs: 20 })
    await expect.poll(async () => (await world.client.call('shell.report', { shell })).echoed).toBeGreaterThan(20)
    await world.client.call('shell.rest', { shell })
    await world.client.call('session.end', { requestId })
    expect(refused()).toBe(0)
  })

  test('R047: nothing else leaves, and nothing comes in', () => {
    const { main, outside, device } = world.net.address
    const before = refused()
    const tries: [string, number][] = [
      [main.v4, 80],
      [main.v4, 8_080],
      [main.v4, 17_001],
      [outside.v4, 443],
    ]
    for (const [host, port] of tries) expect(connects('device', host, port)).toBe(false)
    expect(connects('outside', device.v4, 443)).toBe(false)
    expect(refused()).toBeGreaterThanOrEqual(before + tries.length + 1)
    expect(connects('device', main.v4, 443)).toBe(true)
  })

  test('R017, R049: a host that the router does not let through is named, with what to ask for; the other way still works', () => {
    const last = list.hosts.at(-1)
    if (!last) throw new Error('no host')
    load(printed().replace(new RegExp(`(# access-server ${last.host}:443\\n).*\\n`), '$1'))
    const { stdout, status } = agent('check', '--format', 'text', '--language', 'fr')
    expect(status).toBe(1)
    expect(stdout).toContain(`Veuillez autoriser le TCP sortant de l’appareil vers ${last.host}, port 443.`)
  })
})
