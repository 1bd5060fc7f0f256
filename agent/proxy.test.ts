import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Config } from './config.ts'
import { proxyPlace, proxyRoutes } from './proxy.ts'

const folder = mkdtempSync(join(tmpdir(), 'agent-proxy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const Setting = Config.shape.proxy
const readCa = (path: string) => `PEM of ${path}`

test('a device without a proxy goes straight out, whatever the environment says (R046)', () => {
  process.env.HTTPS_PROXY = 'http://elsewhere.example:3128'
  try {
    expect(proxyRoutes(Setting.parse(undefined), readCa)).toBeUndefined()
    expect(proxyPlace(null)).toBeNull()
  } finally {
    delete process.env.HTTPS_PROXY
  }
})

test('a device with one goes through it, but for the exceptions; its password is read from its file each time (R046)', async () => {
  const credentialsFile = join(folder, 'proxy.json')
  const setting = Setting.parse({ url: 'https://proxy.hospital.example:3129', ca: '/etc/hospital.pem', credentialsFile, except: ['10.0.0.0/8'] })
  expect(proxyPlace(setting)).toEqual({ host: 'proxy.hospital.example', port: 3_129 })
  const routes = proxyRoutes(setting, readCa)
  expect(await routes?.('10.2.3.4', 443)).toEqual(['direct'])
  const [route] = (await routes?.('main.example', 443)) ?? []
  expect(route).toMatchObject({ host: 'proxy.hospital.example', port: 3_129, tls: { ca: 'PEM of /etc/hospital.pem' } })
  if (!route || route === 'direct') throw new Error('no proxy')
  await expect(route.credentials?.()).rejects.toMatchObject({ code: 'proxy.setting-bad', details: { reason: 'file' } })
  for (const password of ['old', 'new']) {
    writeFileSync(credentialsFile, JSON.stringify({ user: 'device', password }))
    chmodSync(credentialsFile, 0o600)
    expect(await route.credentials?.()).toEqual({ user: 'device', password })
  }
})

test('a setting that cannot work is said at the start, without what stands in it (D20)', () => {
  const broken = (change: object) => () => proxyRoutes(Setting.parse({ url: 'http://proxy:3128', ...change }), readCa)
  expect(broken({ url: 'http://me:hunter2@proxy:3128' })).toThrow(/^proxy.setting-bad$/)
  expect(broken({ except: ['not a host'] })).toThrow(/^proxy.setting-bad$/)
  expect(broken({ password: 'hunter2' })).toThrow(/nrecognized key/)
})
