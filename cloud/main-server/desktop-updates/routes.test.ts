import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'

/** What a desktop client is handed (T15), as it lies on the wire: the path goes out as it is written here. */
const folder = mkdtempSync(join(tmpdir(), 'desktop-updates-'))
const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251))
let server: TestServer
let without: TestServer

beforeAll(async () => {
  const inside = join(folder, 'out')
  mkdirSync(join(inside, 'folder'), { recursive: true })
  writeFileSync(join(folder, 'secret'), 'beside the folder')
  writeFileSync(join(inside, 'folder', 'secret'), 'below the folder')
  writeFileSync(join(inside, '.hidden'), 'half a file')
  writeFileSync(join(inside, 'Gantry-0.2.0.AppImage'), content)
  ;[server, without] = await Promise.all([createTestServer({ desktopUpdates: inside }), createTestServer()])
})
afterAll(async () => {
  await Promise.all([server.close(), without.close()])
  rmSync(folder, { recursive: true, force: true })
})

async function get(path: string, options: RequestOptions = {}, { origin, ca } = server) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; headers: Record<string, unknown>; body: Buffer }>()
  const { hostname, port } = new URL(origin)
  request({ hostname, port, path, ca, agent: false, ...options }, (response) => {
    buffer(response).then((body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }), reject)
  })
    .on('error', reject)
    .end()
  return promise
}

describe('the desktop client’s updates', () => {
  test('come whole, with their length, and from any octet on', async () => {
    const whole = await get('/desktop-updates/Gantry-0.2.0.AppImage')
    expect([whole.status, whole.headers['content-length'], whole.headers['content-type'], whole.body.equals(content)]).toEqual([
      200,
      '200000',
      'application/octet-stream',
      true,
    ])
    expect(whole.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', 'accept-ranges': 'bytes' })
    const rest = await get('/desktop-updates/Gantry-0.2.0.AppImage', { headers: { range: 'bytes=150000-' } })
    expect([rest.status, rest.headers['content-range'], rest.body.equals(content.subarray(150_000))]).toEqual([206, 'bytes 150000-199999/200000', true])
    expect((await get('/desktop-updates/Gantry-0.2.0.AppImage', { headers: { range: 'bytes=200000-' } })).status).toBe(416)
    const head = await get('/desktop-updates/Gantry-0.2.0.AppImage', { method: 'HEAD' })
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '200000', 0])
  })

  const outside = [
    '../secret',
    '..%2fsecret',
    '%2e%2e/secret',
    '%2e%2e%2fsecret',
    '..\\secret',
    '..%5csecret',
    './../secret',
    'folder/secret',
    'folder%2fsecret',
    'folder',
    '',
  ]
  test.each([...outside, '.hidden', '%2ehidden', 'nothing', '%00', 'Gantry-0.2.0.AppImage%00', 'stable-linux-x64.jws'])(
    'there is nothing under %j',
    async (path) => {
      const { status, body } = await get(`/desktop-updates/${path}`)
      expect([400, 404]).toContain(status)
      expect(body.toString()).toMatch(/^\{"ok":false,"failure":\{"code":"contract\./)
    },
  )

  test('are read only: nothing is put there', async () => {
    for (const method of ['PUT', 'POST', 'DELETE']) expect((await get('/desktop-updates/Gantry-0.2.0.AppImage', { method })).status).toBe(404)
  })

  test('are not offered where the operator names no folder', async () => {
    expect((await get('/desktop-updates/Gantry-0.2.0.AppImage', {}, without)).status).toBe(404)
  })
})
