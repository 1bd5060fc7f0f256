import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { evaluatePac, ownAddress, type PacWorld } from './evaluate.ts'
import { createFindProxy } from './find-proxy.ts'

const asked: string[] = []
const world: PacWorld = {
  lookup: async (name) => {
    asked.push(name)
    return { 'main.example': '10.1.2.3', 'far.example': '203.0.113.9' }[name] ?? null
  },
  // A Saturday, 21 November 2026.
  now: () => new Date(2026, 10, 21, 14, 30, 15),
  address: () => '10.0.0.7',
}
const find = (body: string, host = 'main.example') => evaluatePac(`function FindProxyForURL(url, host) { ${body} }`, { url: `https://${host}/`, host }, world)
const is = async (expression: string) => (await find(`return ${expression}`)) === 'true'

describe('a PAC file (D9, R046)', () => {
  test('may bring functions of its own in place of the known ones', async () => {
    const own =
      "function dnsResolve() { return '10.9.9.9' } var isPlainHostName = () => true; function FindProxyForURL(u, h) { return dnsResolve(h) + isPlainHostName(h) }"
    expect(await evaluatePac(own, { url: 'https://a.example/', host: 'a.example' }, world)).toBe('10.9.9.9true')
  })

  test('says the way by host, by network, and by what it finds out, however it is written', async () => {
    const file = `
      const rules = () => (host) => isInNet(host, '10.0.0.0', '255.0.0.0')
      if (shExpMatch(host, '*.local')) return 'DIRECT'
      if (rules()(host)) return 'PROXY a.example:8080; DIRECT'
      return 'HTTPS b.example:443'`
    expect(await find(file, 'x.local')).toBe('DIRECT')
    expect(await find(file)).toBe('PROXY a.example:8080; DIRECT')
    expect(await find(file, 'far.example')).toBe('HTTPS b.example:443')
    expect(await find(file, 'unknown.example')).toBe('HTTPS b.example:443')
  })

  test.each([
    ["isPlainHostName('intranet') && !isPlainHostName('a.b')"],
    ["dnsDomainIs('www.hospital.example', '.hospital.example') && !dnsDomainIs('a.example', '.hospital.example')"],
    ["localHostOrDomainIs('www', 'www.hospital.example') && !localHostOrDomainIs('ww', 'www.hospital.example')"],
    ["isResolvable('main.example') && !isResolvable('unknown.example')"],
    ["isInNet('198.95.249.79', '198.95.249.79', '255.255.255.255') && isInNet('198.95.1.1', '198.95.0.0', '255.255.0.0')"],
    ["!isInNet('198.96.1.1', '198.95.0.0', '255.255.0.0')"],
    ["dnsResolve('main.example') === '10.1.2.3' && dnsResolve('unknown.example') === null && myIpAddress() === '10.0.0.7'"],
    ["dnsDomainLevels('www') === 0 && dnsDomainLevels('a.b.c') === 2"],
    ["shExpMatch('a.b/c.html', '*/c.htm?') && !shExpMatch('axb', 'a.b') && shExpMatch('[x](y)', '[x](y)')"],
    ["weekdayRange('SAT') && weekdayRange('FRI', 'MON') && !weekdayRange('MON', 'FRI')"],
    ['timeRange(14) && timeRange(9, 17) && timeRange(22, 15) && !timeRange(15, 22)'],
    ['timeRange(14, 30, 14, 30) && timeRange(14, 30, 15, 14, 30, 15) && !timeRange(14, 31, 16, 0)'],
    ["dateRange(21) && dateRange('NOV') && dateRange(2026) && dateRange(1, 21) && dateRange('OCT', 'DEC') && dateRange(2025, 2027)"],
    ["dateRange(20, 'NOV', 5, 'JAN') && dateRange('NOV', 2026, 'MAR', 2027) && dateRange(1, 'JUN', 2026, 21, 'NOV', 2026)"],
    ["!dateRange(22, 30) && !dateRange('DEC') && !dateRange(1, 'JUN', 2026, 20, 'NOV', 2026)"],
    ["typeof weekdayRange('SAT', 'GMT') === 'boolean' && typeof timeRange(0, 23, 'GMT') === 'boolean'"],
    ["url === 'https://main.example/' && alert('hello') === undefined"],
  ])('%s', async (expression) => {
    expect(await is(expression)).toBe(true)
  })

  test.each([
    ['never ends', 'while (true) {}'],
    ['eats memory', "const all = []; while (true) all.push('x'.repeat(1e6) + all.length)"],
    ['calls itself for ever', 'return FindProxyForURL(url, host)'],
    ['matches for ever', "return /^(a+)+$/.test('a'.repeat(40) + 'b')"],
    ['asks for ever new names', "for (let i = 0; ; i++) if (dnsResolve('n' + i + Math.random()) === null) return 'DIRECT'"],
    ['is broken', 'return ]'],
    ['throws', "throw new Error('no')"],
  ])('one that %s is stopped', async (_what, body) => {
    await expect(find(body)).rejects.toThrow()
  })

  test('has nothing of Node, no network and no second of its own', async () => {
    const reach = ['process', 'require', 'fetch', 'XMLHttpRequest', 'setTimeout', 'WebSocket', 'module', 'Deno', 'Buffer', 'importScripts', 'std', 'os']
    expect(await find(`return ${JSON.stringify(reach)}.map((name) => typeof globalThis[name]).join()`)).toBe(reach.map(() => 'undefined').join())
    expect(await is(`(() => { try { return typeof (0, eval)('this').constructor.constructor('return process')() } catch { return true } })()`)).toBe(true)
    await expect(find(`import('node:fs'); return 'DIRECT'`)).resolves.toBe('DIRECT')
    await find(`globalThis.kept = 'secret'; return 'DIRECT'`)
    expect(await find(`return typeof globalThis.kept`)).toBe('undefined')
    expect(ownAddress()).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
  })

  test('is fetched, kept for a while, and asked with host and port alone', async () => {
    let fetched = 0
    const server = createServer((_, response) => {
      fetched++
      response.end("function FindProxyForURL(url, host) { return 'PROXY ' + host + ':1; ' + url }")
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/proxy.pac`
    let nowMs = 0
    const findProxy = createFindProxy(() => nowMs)
    expect(await findProxy(address, { host: 'main.example', port: 443 })).toBe('PROXY main.example:1; https://main.example/')
    expect(await findProxy(address, { host: '2001:db8::1', port: 8_443 })).toBe('PROXY 2001:db8::1:1; https://[2001:db8::1]:8443/')
    expect(fetched).toBe(1)
    nowMs = 700_000
    await findProxy(address, { host: 'main.example', port: 443 })
    expect(fetched).toBe(2)
    server.close()
    server.closeAllConnections()
    nowMs = 1_400_000
    await expect(findProxy(address, { host: 'main.example', port: 443 })).rejects.toMatchObject({
      code: 'proxy.setting-bad',
      details: { reason: 'pac', setting: new URL(address).host },
    })
    await expect(findProxy('data:text/plain,x', { host: 'main.example', port: 443 })).rejects.toMatchObject({ details: { reason: 'pac' } })
  })
})
