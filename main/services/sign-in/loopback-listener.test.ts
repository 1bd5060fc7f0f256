import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoopbackListener, openLoopbackListener } from './loopback-listener.ts'

const state = 'a-state-of-this-sign-in'
let listener: LoopbackListener
afterEach(() => listener.close())

type Visit = { path?: string; method?: string; host?: string; language?: string; more?: Record<string, string> }
const visit = async ({ path = `/callback?code=c&state=${state}`, method = 'GET', host, language = 'en', more = {} }: Visit = {}) => {
  const { port } = new URL(listener.redirectUri)
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; page: string; headers: NodeJS.Dict<string | string[]> }>()
  const headers = { host: host ?? `127.0.0.1:${port}`, 'accept-language': language, ...more }
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
    text(response).then((page) => resolve({ status: response.statusCode ?? 0, page, headers: response.headers }), reject)
  })
  sent.on('error', reject).end()
  return promise
}

describe('the loopback listener of a sign-in (RFC 8252)', () => {
  test('takes one answer, shows a page that loads nothing, and closes', async () => {
    listener = await openLoopbackListener({ state })
    expect(listener.redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/callback$/)
    const { status, page, headers } = await visit()
    expect(status).toBe(200)
    expect(page).toContain('You are signed in')
    expect(page).not.toContain(state)
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect((await listener.answer).searchParams.get('code')).toBe('c')
    await expect(visit()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('takes it from a browser that says how it comes: a whole page, from anywhere', async () => {
    listener = await openLoopbackListener({ state })
    expect((await visit({ more: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' } })).status).toBe(200)
  })

  test('speaks French to a browser that does', async () => {
    listener = await openLoopbackListener({ state })
    expect((await visit({ language: 'fr-CA,fr;q=0.9' })).page).toContain('lang="fr"')
  })

  test('sends the browser on to the main server’s own page, without the code', async () => {
    const donePage = 'https://127.0.0.1:1/sign-in/done?lang=en'
    listener = await openLoopbackListener({ state, donePage })
    const { status, headers, page } = await visit()
    expect([status, headers.location, page, headers['referrer-policy']]).toEqual([303, donePage, '', 'no-referrer'])
  })

  const strange: [string, Visit, number][] = [
    ['a wrong state', { path: '/callback?code=c&state=another' }, 400],
    ['no state', { path: '/callback?code=c' }, 400],
    ['two states', { path: `/callback?code=c&state=${state}&state=${state}` }, 400],
    ['two codes', { path: `/callback?code=c&code=d&state=${state}` }, 400],
    ['neither code nor error', { path: `/callback?state=${state}` }, 400],
    ['another path', { path: `/other?code=c&state=${state}` }, 404],
    ['a path that only begins like it', { path: `/callback/x?code=c&state=${state}` }, 404],
    ['POST', { method: 'POST' }, 405],
    ['HEAD', { method: 'HEAD' }, 405],
    ['the Host of a page elsewhere (DNS rebinding)', { host: 'evil.example' }, 421],
    ['localhost by name', { host: 'localhost' }, 421],
    ['the Origin of another site', { more: { origin: 'https://elsewhere.example' } }, 403],
    ['a hidden origin', { more: { origin: 'null' } }, 403],
    ['a request by a script', { more: { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'empty' } }, 403],
    ['a frame', { more: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' } }, 403],
  ]
  test.each(strange)('refuses %s, and still takes the right answer after it', async (_, wrong, status) => {
    listener = await openLoopbackListener({ state })
    expect((await visit(wrong)).status).toBe(status)
    await visit()
    expect((await listener.answer).searchParams.get('code')).toBe('c')
  })

  test('gives up after its time, and closes', async () => {
    listener = await openLoopbackListener({ state, timeoutMs: 20 })
    await expect(listener.answer).rejects.toMatchObject({ code: 'auth.cancelled' })
    await expect(visit()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    listener = await openLoopbackListener({ state, signal: stop.signal })
    stop.abort(new Error('the person pressed cancel'))
    await expect(listener.answer).rejects.toThrow('the person pressed cancel')
  })
})
