import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { afterEach, describe, expect, test } from 'vitest'
import type { SecretStore } from '../secret-store.ts'
import { createProxyRoutes, type FindProxy } from './proxy-routes.ts'
import { openProxySettings, type ProxySetting } from './proxy-setting.ts'

const folder = mkdtempSync(join(tmpdir(), 'proxy-setting-'))
afterEach(() => rmSync(join(folder, 'proxy.json'), { force: true }))

function memoryStore(): SecretStore & { values: Map<string, string> } {
  const values = new Map<string, string>()
  return {
    ...{ kind: 'sandbox', values, get: async (name) => values.get(name) ?? null },
    set: async (name, value) => void values.set(name, value),
    delete: async (name) => void values.delete(name),
  }
}

type Change = { setting?: ProxySetting; env?: NodeJS.ProcessEnv; find?: FindProxy; secretStore?: SecretStore }
function routes({ setting = { use: 'system' }, env = {}, find = {}, secretStore = memoryStore() }: Change) {
  return createProxyRoutes({ setting: () => setting, secretStore, env, find })
}
const named = (found: readonly unknown[]) =>
  found.map((one) => (one === 'direct' ? one : `${(one as { host: string }).host}:${(one as { port: number }).port}`))
const way = async (change: Change, host = 'main.example') => named(await routes(change)(host, 443))

describe('the client’s way out (D9, R046)', () => {
  test('is what the environment says, lower case first, but for NO_PROXY and this computer itself', async () => {
    expect(await way({ env: {} })).toEqual(['direct'])
    expect(await way({ env: { HTTPS_PROXY: 'http://big:1', https_proxy: 'http://small:2' } })).toEqual(['small:2'])
    expect(await way({ env: { HTTPS_PROXY: 'proxy.example:3128' } })).toEqual(['proxy.example:3128'])
    expect(await way({ env: { ALL_PROXY: 'https://all' } })).toEqual(['all:443'])
    const env = { HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: '.other.example, main.example' }
    expect(await way({ env })).toEqual(['direct'])
    for (const host of ['127.0.0.1', '::1', 'localhost']) expect(await way({ env: { HTTPS_PROXY: 'http://proxy:3128' } }, host)).toEqual(['direct'])
    await expect(way({ env: { HTTPS_PROXY: 'http://me:hunter2@proxy:3128' } })).rejects.toMatchObject({
      ...{ code: 'proxy.setting-bad', details: { setting: 'HTTPS_PROXY', reason: 'secret-in-url' } },
    })
  })

  test('else what the computer’s own settings say, in their order', async () => {
    const find = { system: async ({ host, port }: { host: string; port: number }) => `PROXY ${host}.proxy:${port}; DIRECT` }
    expect(await way({ find })).toEqual(['main.example.proxy:443', 'direct'])
    expect(await way({ find, env: { HTTPS_PROXY: 'http://proxy:3128' } })).toEqual(['proxy:3128'])
    await expect(way({ find: { system: async () => 'SOCKS5 a:1' } })).rejects.toMatchObject({ details: { setting: 'system', reason: 'pac-answer' } })
  })

  test('or what was set by hand: none, one proxy, a PAC file', async () => {
    const env = { HTTPS_PROXY: 'http://proxy:3128' }
    expect(await way({ env, setting: { use: 'none' } })).toEqual(['direct'])
    const manual = { use: 'manual', url: 'https://hand:3129', except: ['10.0.0.0/8'], ca: null } as const
    expect(await way({ env, setting: { ...manual, except: [...manual.except] } })).toEqual(['hand:3129'])
    expect(await way({ env, setting: { ...manual, except: [...manual.except] } }, '10.1.1.1')).toEqual(['direct'])
    await expect(way({ setting: { ...manual, except: [], ca: '/nowhere.pem' } })).rejects.toMatchObject({ code: 'state.unreadable' })
    const pac = { use: 'pac', url: 'http://wpad.example/proxy.pac' } as const
    expect(await way({ setting: pac, find: { pac: async (url) => `PROXY ${new URL(url).hostname}:8080` } })).toEqual(['wpad.example:8080'])
    await expect(way({ setting: pac })).rejects.toMatchObject({ details: { setting: 'PAC', reason: 'pac-answer' } })
  })

  test('with the password of the environment, else of the keychain, else none (D20)', async () => {
    const secretStore = memoryStore()
    const ask = async (change: Change) => {
      const [route] = await routes({ setting: { use: 'manual', url: 'http://hand:1', except: [], ca: null }, ...change })('main.example', 443)
      return route === 'direct' || !route ? null : route.credentials?.()
    }
    expect(await ask({ secretStore })).toBeNull()
    secretStore.values.set('proxy-credentials', '{"user":"kept","password":"a"}')
    expect(await ask({ secretStore })).toEqual({ user: 'kept', password: 'a' })
    const env = { GANTRY_PROXY_USER: 'given', GANTRY_PROXY_PASSWORD: 'b' }
    expect(await ask({ secretStore, env })).toEqual({ user: 'given', password: 'b' })
    await expect(ask({ env: { ...env, GANTRY_PROXY_USER: 'a:b' } })).rejects.toMatchObject({ details: { reason: 'credentials' } })
    const locked = { ...secretStore, get: () => Promise.reject(new AppError('auth.keychain-missing')) }
    expect(await ask({ secretStore: locked })).toBeNull()
  })
})

describe('the proxy setting of a profile', () => {
  test('is kept without its password, which lies in the keychain and goes with it (D20)', async () => {
    const secretStore = memoryStore()
    const settings = openProxySettings(folder, secretStore)
    expect(settings.read()).toEqual({ use: 'system' })
    const manual: ProxySetting = { use: 'manual', url: 'http://hand:3128', except: [], ca: null }
    await settings.change(manual, { user: 'me', password: 'hunter2' })
    expect(openProxySettings(folder, secretStore).read()).toEqual(manual)
    expect(statSync(join(folder, 'proxy.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'proxy.json'), 'utf8')).not.toMatch(/hunter2|"me"/)
    expect(secretStore.values.get('proxy-credentials')).toContain('hunter2')
    await settings.change({ use: 'none' }, null)
    expect(secretStore.values.has('proxy-credentials')).toBe(false)
  })

  test('is refused where it cannot work, and one that cannot be read is not taken for none', async () => {
    const settings = openProxySettings(folder, memoryStore())
    const secrets: ProxySetting[] = [
      { use: 'manual', url: 'http://a:hunter2@c:1', except: [], ca: null },
      { use: 'pac', url: 'http://a:hunter2@c/x.pac' },
    ]
    for (const setting of secrets) {
      const refusal = await settings.change(setting, null).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'proxy.setting-bad', details: { reason: 'secret-in-url' } })
      expect(JSON.stringify(refusal)).not.toContain('hunter2')
    }
    await expect(settings.change({ use: 'none' }, { user: 'a:b', password: 'x' })).rejects.toMatchObject({ details: { reason: 'credentials' } })
    expect(settings.read()).toEqual({ use: 'system' })
    writeFileSync(join(folder, 'proxy.json'), '{"version":1,"proxy":{"use":"what"}}')
    expect(() => settings.read()).toThrow('state.unreadable')
  })
})
