import type { LookupAddress } from 'node:dns'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Ca, createCa } from '@gantry/shared/node/certificates.ts'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openWebhookReceiver } from '../../../test/support/webhook-receiver.ts'
import { WebhookSettings } from '../notice-settings.ts'
import { createWebhook } from './webhook.ts'

let ca: Ca
const folder = mkdtempSync(join(tmpdir(), 'webhook-'))
const closing: (() => Promise<unknown>)[] = []
beforeAll(async () => {
  ca = await createCa('Receivers')
  writeFileSync(join(folder, 'ca.pem'), ca.certificatePem)
  return () => rmSync(folder, { recursive: true, force: true })
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const settings = (part: Partial<WebhookSettings> = {}) => WebhookSettings.parse({ caFile: join(folder, 'ca.pem'), privateNetworks: ['127.0.0.0/8'], ...part })
async function receiver(answer?: Parameters<typeof openWebhookReceiver>[1]) {
  const one = await openWebhookReceiver(ca, answer)
  closing.push(one.close)
  return one
}
/** A name server that says that. */
const named = (...addresses: string[]) =>
  ((_name: string, _options: unknown, done: (error: null, found: LookupAddress[]) => void) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as never

describe('a webhook (R084)', () => {
  test('is one POST, and any answer 2xx is enough', async () => {
    const { origin, posts } = await receiver((_request, response) => response.writeHead(202).end('thank you'))
    await createWebhook(settings())({ url: `${origin}/a?b=c`, body: 'what is said' })
    expect(posts).toEqual([{ path: '/a?b=c', type: 'application/jose', body: 'what is said' }])
  })

  test.each([
    [301, true],
    [400, true],
    [404, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])('an answer %i is a refusal; final: %s', async (status, final) => {
    const { origin, posts } = await receiver((_request, response) => response.writeHead(status, { location: 'https://127.0.0.1:1/' }).end())
    await expect(createWebhook(settings())({ url: origin, body: '' })).rejects.toMatchObject({ reason: 'webhook-refused', final })
    expect(posts).toHaveLength(1)
  })

  test('a receiver that is silent, or slow with its headers, is given up after the limit', async () => {
    const silent = await receiver(() => undefined)
    const slow = await receiver((_request, response) => {
      const timer = setInterval(() => response.socket?.write('HTTP/1.1 200 OK\r\nx'.slice(0, 1)), 20)
      response.on('close', () => clearInterval(timer))
    })
    for (const { origin } of [silent, slow]) {
      await expect(createWebhook(settings(), { timeoutMs: 300 })({ url: origin, body: '' })).rejects.toMatchObject({
        reason: 'webhook-unreachable',
        final: false,
      })
    }
  })

  test('headers without end are cut', async () => {
    const { origin } = await receiver((_request, response) => void response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`))
    await expect(createWebhook(settings())({ url: origin, body: '' })).rejects.toMatchObject({ reason: 'webhook-unreachable' })
  })

  test('a certificate of another CA, or of another name, is nobody', async () => {
    const { origin } = await receiver()
    await expect(createWebhook(settings({ caFile: null }))({ url: origin, body: '' })).rejects.toMatchObject({ reason: 'webhook-unreachable' })
    const url = origin.replace('127.0.0.1', 'hook.example')
    await expect(createWebhook(settings(), { find: named('127.0.0.1') })({ url, body: '' })).rejects.toMatchObject({ reason: 'webhook-unreachable' })
  })

  test('a name that stands for a private address is not dialled, not even beside a public one; nor is the address itself', async () => {
    const { origin, posts } = await receiver()
    const url = origin.replace('127.0.0.1', 'hook.example')
    const closed = settings({ privateNetworks: [] })
    for (const find of [named('127.0.0.1'), named('8.8.8.8', '127.0.0.1'), named('::1'), named('169.254.169.254'), named()]) {
      await expect(createWebhook(closed, { find })({ url, body: '' })).rejects.toMatchObject({ reason: 'webhook-address', final: true })
    }
    // WHATWG URL section 3.5: these are all 127.0.0.1.
    for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]']) {
      await expect(createWebhook(closed)({ url: origin.replace('127.0.0.1', host), body: '' })).rejects.toMatchObject({ reason: 'webhook-address' })
    }
    expect(posts).toEqual([])
  })

  test('without TLS, or with a name and password in it, no address is one', async () => {
    const { origin, posts } = await receiver()
    for (const url of [origin.replace('https:', 'http:'), origin.replace('//', '//user:word@')]) {
      await expect(createWebhook(settings())({ url, body: '' })).rejects.toMatchObject({ reason: 'webhook-address' })
    }
    expect(posts).toEqual([])
  })
})
