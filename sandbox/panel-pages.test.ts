import { request } from 'node:http'
import { DeviceId } from '@gantry/shared/ids.ts'
import type { PanelInput } from '@gantry/shared/panel.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { SandboxDevice } from './hospital.ts'
import { createPanelDesk, type PanelDesk } from './panel-desk.ts'
import { openPanelPages, type PanelPages } from './panel-pages.ts'
import { choosePort } from './ports.ts'

const deviceOf = (number: number, name: string): SandboxDevice => ({
  number,
  id: DeviceId.parse(`dev_${'abcdefghijklmnop'.slice(number)}`),
  name,
  serial: '1',
  model: { id: 'm', name: 'M', kind: 'injector', softwareVersion: '1' },
  practice: false,
  policy: { version: 1, instantPickup: true, rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'ask' }, requestsPerHour: 1 },
})
const files = { get: (path: string) => (path === '/index.html' ? { body: Buffer.from('<p>panel</p>'), headers: { 'content-type': 'text/html' } } : null) }

const patient = { timeout: 15_000 }
let desk: PanelDesk
let pages: PanelPages
let pressed: { device: string; input: PanelInput }[]

beforeEach(async () => {
  pressed = []
  desk = createPanelDesk([deviceOf(1, 'CT'), deviceOf(2, 'MR')], (device, input) => pressed.push({ device: device.name, input }))
  pages = await openPanelPages(desk, { port: await choosePort(undefined, new Set()), files })
})
afterEach(() => pages.close())

const viewOf = (name: string) => desk.find(name)

type Answer = { status: number; cookie: string; body: string }
function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  request({ host: '127.0.0.1', port: pages.port, path, headers }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    response.on('end', () => resolve({ status: response.statusCode ?? 0, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] ?? '', body }))
  })
    .once('error', reject)
    .end()
  return promise
}

async function enter(name: string): Promise<string> {
  const { pathname, search } = new URL(pages.link(viewOf(name)))
  return (await get(pathname + search)).cookie
}

function dial(path: string, headers: Record<string, string>, messages: unknown[] = []): Promise<WebSocket | number> {
  const { promise, resolve } = Promise.withResolvers<WebSocket | number>()
  const socket = new WebSocket(`ws://127.0.0.1:${pages.port}${path}`, { headers })
  socket.on('message', (data) => messages.push(JSON.parse(String(data))))
  socket.once('open', () => resolve(socket))
  socket.once('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  socket.on('error', () => undefined)
  return promise
}

describe('the panels as pages', () => {
  test('a link works once, and what it leaves opens that panel only', async () => {
    const { pathname, search } = new URL(pages.link(viewOf('CT')))
    const first = await get(pathname + search)
    expect(first.status).toBe(303)
    expect((await get(pathname + search)).status).toBe(403)
    expect((await get('/1/', { cookie: first.cookie })).body).toBe('<p>panel</p>')
    expect((await get('/2/', { cookie: first.cookie })).status).toBe(403)
  })

  test('a fresh link makes the one before it worthless', async () => {
    const old = new URL(pages.link(viewOf('CT')))
    pages.link(viewOf('CT'))
    expect((await get(old.pathname + old.search)).status).toBe(403)
  })

  test('without the cookie there is nothing, whatever is asked for', async () => {
    expect(
      await Promise.all(['/1/', '/1/index.html', '/1/socket', '/', '/3/', '/1/?key=', '/1/../../etc/passwd'].map(async (path) => (await get(path)).status)),
    ).toEqual([403, 403, 403, 404, 404, 403, 404])
  })

  test('another Host is refused, so that a name that was bent to this address opens nothing', async () => {
    const cookie = await enter('CT')
    expect((await get('/1/', { cookie, host: 'panel.example' })).status).toBe(403)
    expect((await get('/1/', { cookie, host: `localhost:${pages.port}` })).status).toBe(403)
  })

  test('the page sees the state and what comes after it; what is pressed reaches that device', async () => {
    const cookie = await enter('MR')
    const origin = `http://127.0.0.1:${pages.port}`
    const messages: unknown[] = []
    const socket = (await dial('/2/socket', { cookie, origin }, messages)) as WebSocket
    await expect.poll(() => messages, patient).toMatchObject([{ type: 'state', state: { agent: 'absent' } }])
    viewOf('MR').show({ type: 'output', requestId: `req_${'a'.repeat(20)}`, terminal: 1, data: 'aGk=' })
    await expect.poll(() => messages[1], patient).toMatchObject({ type: 'output', data: 'aGk=' })
    socket.send(JSON.stringify({ type: 'end', requestId: `req_${'a'.repeat(20)}` }))
    await expect.poll(() => pressed, patient).toEqual([{ device: 'MR', input: { type: 'end', requestId: `req_${'a'.repeat(20)}` } }])
    socket.close()
  })

  test('another Origin, or no cookie, gets no socket', async () => {
    const cookie = await enter('CT')
    const origin = `http://127.0.0.1:${pages.port}`
    expect(await dial('/1/socket', { cookie, origin: 'http://127.0.0.1:1' })).toBe(403)
    expect(await dial('/1/socket', { origin })).toBe(403)
    expect(await dial('/2/socket', { cookie, origin })).toBe(403)
  })

  test('a page that sends nonsense is let go', async () => {
    const cookie = await enter('CT')
    const socket = (await dial('/1/socket', { cookie, origin: `http://127.0.0.1:${pages.port}` })) as WebSocket
    const { promise, resolve } = Promise.withResolvers<number>()
    socket.once('close', resolve)
    socket.send('{"type":"answer"}')
    expect(await promise).toBe(1008)
    expect(pressed).toEqual([])
  })
})
