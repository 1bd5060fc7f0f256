import { BlockList, isIP, isIPv6 } from 'node:net'
import { AppError } from '../errors.ts'
import type { Route } from './dial.ts'
import type { HttpProxy } from './proxy.ts'

/** What people write about proxies, read: addresses, exceptions (NO_PROXY), and the answers of a proxy configuration (PAC). Errors: `proxy.setting-bad {setting, reason}`. */
export type ProxyAddress = { host: string; port: number; secure: boolean }

/** `http://host:port`, or `https://host:port` where the proxy itself speaks TLS. A password has no place in it (D20). `setting` is its name in the error. */
export function parseProxyUrl(text: string, setting: string): ProxyAddress {
  const bad = (reason: string) => new AppError('proxy.setting-bad', { details: { setting, reason } })
  const url = URL.canParse(text) ? new URL(text) : null
  const secure = url?.protocol === 'https:'
  if (!url || (!secure && url.protocol !== 'http:') || url.hostname === '') throw bad('url')
  if (url.username !== '' || url.password !== '') throw bad('secret-in-url')
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw bad('url')
  return { host: withoutBrackets(url.hostname), port: Number(url.port || (secure ? 443 : 80)), secure }
}

type Rule = (host: string, port: number) => boolean

/**
 * Which servers are reached without the proxy, as curl and Go read NO_PROXY: a domain with all below it (`hospital.example`, `.hospital.example`, `*.hospital.example`),
 * an address, a network (`10.0.0.0/8`), each with a port or without, or `*`. Addresses and networks fit hosts that are written as addresses; DNS is not asked.
 */
export function createExceptions(entries: readonly string[], setting: string): Rule {
  const rules = entries.map((entry) => entry.trim().toLowerCase()).flatMap((entry) => (entry === '' ? [] : [parseException(entry, setting)]))
  return (host, port) => rules.some((fits) => fits(host.toLowerCase().replace(/\.$/, ''), port))
}

function parseException(entry: string, setting: string): Rule {
  if (entry === '*') return () => true
  const network = networkRule(entry)
  if (network) return network
  const [, bracketed, plain = '', port] = /^(?:\[([\da-f:.]+)\]|([^[\]]*?))(?::(\d{1,5}))?$/.exec(isIPv6(entry) ? `[${entry}]` : entry) ?? []
  const name = bracketed ?? plain
  const fits = isIP(name) ? addressRule(name) : domainRule(name)
  if (!fits) throw new AppError('proxy.setting-bad', { details: { setting, reason: 'except' } })
  return (host, at) => (port === undefined || Number(port) === at) && fits(host, at)
}

function networkRule(entry: string): Rule | null {
  const [, address = '', bits = ''] = /^([\da-f:.]+)\/(\d{1,3})$/.exec(entry) ?? []
  if (!isIP(address) || Number(bits) > (isIPv6(address) ? 128 : 32)) return null
  const list = new BlockList()
  list.addSubnet(address, Number(bits), familyOf(address))
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host))
}

function addressRule(address: string): Rule {
  const list = new BlockList()
  list.addAddress(address, familyOf(address))
  return (host) => isIP(host) !== 0 && list.check(host, familyOf(host))
}

function domainRule(name: string): Rule | null {
  const domain = name.replace(/^\*?\.|\.$/g, '')
  if (!/^[\w-]+(\.[\w-]+)*$/.test(domain)) return null
  return (host) => host === domain || host.endsWith(`.${domain}`)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '')
}

/** This computer itself is never reached through a proxy that somebody set for all programs (as in Go and Chromium). */
export const isLoopback: Rule = createExceptions(['localhost', '127.0.0.0/8', '::1'], 'loopback')

/** What a proxy configuration answers (`PROXY a:8080; HTTPS b:443; DIRECT`), without the ways that are not spoken (SOCKS). Empty: none is left. */
export function parsePacAnswer(text: string): (ProxyAddress | 'direct')[] {
  return text
    .split(';')
    .slice(0, 16)
    .flatMap((part): (ProxyAddress | 'direct')[] => {
      const [, kind = '', place] = /^(\w+)(?:\s+(\S+))?$/.exec(part.trim()) ?? []
      if (kind.toUpperCase() === 'DIRECT') return ['direct']
      const secure = kind.toUpperCase() === 'HTTPS'
      if (!place || !(secure || /^(PROXY|HTTP)$/i.test(kind))) return []
      const url = `${secure ? 'https' : 'http'}://${place}`
      return URL.canParse(url) && new URL(url).username === '' ? [parseProxyUrl(new URL(url).origin, 'PAC')] : []
    })
}

export type ProxyRoutes = (host: string, port: number) => Promise<readonly Route[]>

export type FixedProxy = {
  address: ProxyAddress
  /** PEM of who vouches for the proxy's own certificate; null: see `HttpProxy`. */
  ca: string | null
  except: Rule
  credentials: HttpProxy['credentials']
}

/** One proxy for everything but the exceptions. */
export function fixedRoutes({ address, ca, except, credentials }: FixedProxy): ProxyRoutes {
  const proxy = httpProxy(address, { ca, credentials })
  return async (host, port) => [except(host, port) ? 'direct' : proxy]
}

export function httpProxy({ host, port, secure }: ProxyAddress, { ca, credentials }: { ca: string | null; credentials: HttpProxy['credentials'] }): HttpProxy {
  return { host, port, tls: secure ? { ca } : null, credentials }
}
