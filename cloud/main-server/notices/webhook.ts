import { lookup } from 'node:dns'
import { readFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { tlsPolicy } from '@gantry/shared/node/tls.ts'
import type { WebhookSettings } from '../notice-settings.ts'
import { DeliveryFailure } from './delivery.ts'
import { blockListOf, isPublic } from './public-address.ts'

/** Resolves when the receiver has answered 2xx. Throws a DeliveryFailure. */
export type PostWebhook = (post: { url: string; body: string; signal?: AbortSignal }) => Promise<void>

export type WebhookOptions = { find?: typeof lookup; timeoutMs?: number }

/**
 * One POST over HTTPS, without redirects. The receiver's headers may have 8 KiB, its body is not read at all, and everything together `timeoutMs`. The address that was
 * judged is the one that is dialled: there is no second look-up.
 */
export function createWebhook({ caFile, privateNetworks }: WebhookSettings, { find = lookup, timeoutMs = 10_000 }: WebhookOptions = {}): PostWebhook {
  const ca = caFile === null ? {} : { ca: readFileSync(caFile) }
  const allowed = blockListOf(privateNetworks)
  const mayReach = (address: string) => isPublic(address) || allowed.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  /** All or none: a name that stands for a public and a private address is a trap. */
  const judged: LookupFunction = (hostname, options, done) => {
    find(hostname, { all: true, family: 0 }, (error, addresses) => {
      if (error) return done(error, [])
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => mayReach(address))) return done(new DeliveryFailure('webhook-address', { final: true }), [])
      return options.all ? done(null, addresses) : done(null, first.address, first.family)
    })
  }
  return async ({ url, body, signal }) => {
    const limit = AbortSignal.timeout(timeoutMs)
    const { protocol, hostname, port, pathname, search, username, password } = new URL(url)
    if (protocol !== 'https:' || username !== '' || password !== '') throw new DeliveryFailure('webhook-address', { final: true })
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    // Node looks up no address that is one already.
    if (isIP(host) !== 0 && !mayReach(host)) throw new DeliveryFailure('webhook-address', { final: true })
    const status = await post({
      ...{ host, port: port || 443, path: pathname + search, method: 'POST', agent: false as const, lookup: judged, maxHeaderSize: 8_192 },
      ...{ ...tlsPolicy, ...ca, signal: signal ? AbortSignal.any([signal, limit]) : limit },
      headers: { 'content-type': 'application/jose', 'content-length': Buffer.byteLength(body), 'user-agent': 'gantry' },
      body,
    })
    if (status >= 200 && status < 300) return
    const isTheirs = status >= 500 || status === 408 || status === 429
    throw new DeliveryFailure('webhook-refused', { final: !isTheirs })
  }
}

function post({ body, ...options }: RequestOptions & { body: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      resolve(response.statusCode ?? 0)
      // Whatever it goes on to say is neither needed nor waited for.
      response.destroy()
    })
    sent.on('error', (error) => reject(error instanceof DeliveryFailure ? error : new DeliveryFailure('webhook-unreachable', { cause: error })))
    sent.end(body)
  })
}
