import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { commandLineEn } from '@gantry/shared/words/command-line.en.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { openProxySettings } from '../../main/services/main-server/proxy-setting.ts'
import type { SecretStore } from '../../main/services/secret-store.ts'
import { run } from '../program.ts'
import { readSecretLine } from '../secret-line.ts'
import { parseSetting } from './proxy.ts'

const home = mkdtempSync(join(tmpdir(), 'gantry-proxy-'))
afterAll(() => rmSync(home, { recursive: true }))

const noSecrets: SecretStore = { kind: 'sandbox', get: async () => null, set: async () => undefined, delete: async () => undefined }

async function gantry(...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  stdin.end('hunter2\n')
  const exit = await run(argv, { stdin, stdout, stderr, env: { LANG: 'en_CA.UTF-8', XDG_CONFIG_HOME: home } })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

describe('gantry proxy (R046)', () => {
  test('says how this computer leaves its network, before any sign-in', async () => {
    expect(await gantry('proxy')).toMatchObject({ exit: 0, stdout: expect.stringContaining('HTTPS_PROXY') })
    // Set without a keychain in between: a test must not touch the one of whoever runs it.
    const settings = openProxySettings(join(home, 'gantry'), noSecrets)
    mkdirSync(join(home, 'gantry'))
    const proxy = { use: 'manual' as const, url: 'http://proxy.example:3128', except: ['10.0.0.0/8', '.local'], ca: null }
    await settings.change(proxy, null)
    expect((await gantry('proxy')).stdout).toBe('Through the proxy http://proxy.example:3128.\n')
    expect(JSON.parse((await gantry('proxy', '--json')).stdout)).toEqual({ ok: true, value: { proxy } })
    await settings.change({ use: 'pac', url: 'http://wpad.example/proxy.pac' }, null)
    expect((await gantry('proxy')).stdout).toContain('As the proxy configuration http://wpad.example/proxy.pac says.')
  })

  test('takes system, none, a proxy, or the address of a PAC file', () => {
    const parse = (wanted: string, options = {}) => parseSetting(wanted, options, commandLineEn.usage)
    expect(parse('system')).toEqual({ use: 'system' })
    expect(parse('none')).toEqual({ use: 'none' })
    expect(parse('http://proxy:3128', { except: '10.0.0.0/8, .local,' })).toEqual({
      use: 'manual',
      url: 'http://proxy:3128',
      except: ['10.0.0.0/8', '.local'],
      ca: null,
    })
    for (const url of ['http://wpad/proxy.pac', 'file:///etc/proxy.pac']) expect(parse(url)).toEqual({ use: 'pac', url })
  })

  test.each([
    [['proxy', 'ftp://proxy'], 'SETTING is system, none'],
    [['proxy', 'proxy:3128'], 'SETTING is system, none'],
    [['proxy', 'http://me:hunter2@proxy:3128'], 'holds a user name or a password'],
    [['proxy', 'http://me:hunter2@wpad/proxy.pac'], 'holds a user name or a password'],
    [['proxy', 'http://proxy:3128', '--except', 'a b'], 'an entry that is no host'],
    [['proxy', 'https://proxy:3128', '--proxy-ca', '/nowhere'], '/nowhere holds no PEM certificate.'],
  ])('%j is refused, and nothing changes', async (argv, what) => {
    const before = (await gantry('proxy')).stdout
    const { exit, stderr } = await gantry(...argv)
    expect(exit).toBe(2)
    expect(stderr).toContain(what)
    expect(stderr).not.toContain('hunter2')
    expect((await gantry('proxy')).stdout).toBe(before)
  })
})

describe('a password on stdin (D20)', () => {
  const read = (typed: string[], isTTY: boolean) => {
    const raw: boolean[] = []
    const stderr = new PassThrough()
    const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: (on: boolean) => raw.push(on) })
    for (const piece of typed) stdin.write(piece)
    if (!isTTY) stdin.end()
    return { answer: readSecretLine({ stdin, stderr }, 'Password: ', 'Give one.'), raw, shown: () => String(stderr.read() ?? '') }
  }

  test('is one line; a terminal shows none of it, takes corrections, and has its echo back', async () => {
    expect(await read(['pa', ':ss wörd\r\nmore'], false).answer).toBe('pa:ss wörd')
    expect(await read(['no newline'], false).answer).toBe('no newline')
    const typed = read(['huntex', '\u007f', 'r2\r'], true)
    expect(await typed.answer).toBe('hunter2')
    expect(typed.raw).toEqual([true, false])
    expect(typed.shown()).toBe('Password: \n')
  })

  test('is not taken when it is not there, too long, or interrupted', async () => {
    await expect(read([], false).answer).rejects.toMatchObject({ code: 'usage.bad' })
    await expect(read(['x'.repeat(5_000)], false).answer).rejects.toMatchObject({ code: 'usage.bad' })
    const interrupted = read(['hun\u0003'], true)
    await expect(interrupted.answer).rejects.toMatchObject({ code: 'auth.cancelled' })
    expect(interrupted.raw).toEqual([true, false])
  })
})
