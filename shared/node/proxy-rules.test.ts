import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { readProxyCredentials } from './proxy-credentials.ts'
import { createExceptions, fixedRoutes, isLoopback, parsePacAnswer, parseProxyUrl } from './proxy-rules.ts'

const folder = mkdtempSync(join(tmpdir(), 'proxy-rules-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the address of a proxy (R046)', () => {
  test('is http or https, a host, a port', () => {
    expect(parseProxyUrl('http://proxy.hospital.example:3128', 'x')).toEqual({ host: 'proxy.hospital.example', port: 3_128, secure: false })
    expect(parseProxyUrl('https://[2001:db8::1]', 'x')).toEqual({ host: '2001:db8::1', port: 443, secure: true })
    expect(parseProxyUrl('http://10.0.0.1/', 'x')).toMatchObject({ port: 80 })
  })

  test.each([
    ['secret-in-url', 'http://me:hunter2@proxy:3128'],
    ['secret-in-url', 'http://me@proxy:3128'],
    ['url', 'proxy:3128'],
    ['url', 'socks5://proxy:1080'],
    ['url', 'http://'],
    ['url', 'http://proxy:3128/path'],
    ['url', 'http://proxy:3128/?a=b'],
  ])('and never holds a password: %s for %s', (reason, text) => {
    const failure = (() => {
      try {
        return parseProxyUrl(text, 'HTTPS_PROXY')
      } catch (error) {
        return error
      }
    })()
    expect(failure).toMatchObject({ code: 'proxy.setting-bad', details: { setting: 'HTTPS_PROXY', reason } })
    expect(JSON.stringify(failure)).not.toContain('hunter2')
  })
})

describe('NO_PROXY (R046)', () => {
  test.each([
    ['*', ['a.example:443', '10.0.0.1:443'], []],
    [
      'hospital.example',
      ['hospital.example:443', 'gas.HOSPITAL.example:443', 'hospital.example.:443'],
      ['myhospital.example:443', 'hospital.example.evil:443'],
    ],
    ['.hospital.example', ['hospital.example:1', 'a.b.hospital.example:1'], ['hospital.examples:1']],
    ['*.hospital.example', ['a.hospital.example:1'], ['xhospital.example:1']],
    ['hospital.example:8443', ['a.hospital.example:8443'], ['a.hospital.example:443']],
    ['10.0.0.0/8', ['10.255.1.1:443'], ['11.0.0.1:443', 'ten.example:443']],
    ['192.0.2.7', ['192.0.2.7:443'], ['192.0.2.70:443']],
    ['192.0.2.7:8443', ['192.0.2.7:8443'], ['192.0.2.7:443']],
    ['2001:db8::/32', ['2001:db8:1::1:443'], ['2001:db9::1:443']],
    ['2001:DB8::7', ['2001:db8:0::7:443'], ['2001:db8::8:443']],
    ['[2001:db8::7]:8443', ['2001:db8::7:8443'], ['2001:db8::7:443']],
    [' a.example , b.example ,', ['a.example:1', 'b.example:1'], ['c.example:1']],
  ])('%s', (list, fits, fitsNot) => {
    const except = createExceptions(list.split(','), 'NO_PROXY')
    const ask = (place: string) => except(place.slice(0, place.lastIndexOf(':')), Number(place.slice(place.lastIndexOf(':') + 1)))
    expect(fits.map(ask)).toEqual(fits.map(() => true))
    expect(fitsNot.map(ask)).toEqual(fitsNot.map(() => false))
  })

  test.each(['10.0.0.0/33', 'a b', '2001:db8::/129', '1.2.3/8', '[::1', 'http://a.example', '.'])('an entry that is nothing of that is said: %s', (entry) => {
    expect(() => createExceptions([entry], 'NO_PROXY')).toThrow('proxy.setting-bad')
  })

  test('whatever is written there, it is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 40 }), (entry, host) => {
        try {
          createExceptions([entry], 'NO_PROXY')(host, 443)
        } catch (error) {
          expect(error).toMatchObject({ code: 'proxy.setting-bad' })
        }
      }),
      { numRuns: 2_000 },
    )
  })

  test('goes before the proxy; this computer itself is known', async () => {
    const address = { host: 'proxy', port: 3_128, secure: true }
    const routes = fixedRoutes({ address, ca: null, except: createExceptions(['.local.example'], 'x'), credentials: undefined })
    expect(await routes('a.local.example', 443)).toEqual(['direct'])
    expect(await routes('main.example', 443)).toEqual([{ host: 'proxy', port: 3_128, tls: { ca: null }, credentials: undefined }])
    expect(['localhost', '127.8.8.8', '::1', 'a.localhost', 'main.example'].map((host) => isLoopback(host, 1))).toEqual([true, true, true, true, false])
  })
})

test('the answers of a proxy configuration, SOCKS left out (R046)', () => {
  const http = { host: 'a.example', port: 8_080, secure: false }
  expect(parsePacAnswer('PROXY a.example:8080; HTTPS b.example ;SOCKS5 c:1080; DIRECT')).toEqual([
    http,
    { host: 'b.example', port: 443, secure: true },
    'direct',
  ])
  expect(parsePacAnswer('direct')).toEqual(['direct'])
  expect(parsePacAnswer('proxy [2001:db8::1]:3128')).toEqual([{ host: '2001:db8::1', port: 3_128, secure: false }])
  for (const nothing of ['', 'SOCKS a:1', 'PROXY', 'PROXY a b', 'PROXY me:secret@a:1', 'x'.repeat(10_000), 'PROXY a:99999'])
    expect(parsePacAnswer(nothing)).toEqual([])
})

describe('the file of a proxy’s password (D20)', () => {
  const path = join(folder, 'proxy.json')
  const write = (text: string, mode = 0o600) => {
    writeFileSync(path, text)
    chmodSync(path, mode)
    return readProxyCredentials(path)
  }

  test('is read by its own user only', async () => {
    expect(await write('{"user":"device","password":"pa:ss wörd"}')).toEqual({ user: 'device', password: 'pa:ss wörd' })
    for (const mode of [0o640, 0o604, 0o644]) {
      await expect(write('{"user":"device","password":"x"}', mode)).rejects.toMatchObject({ details: { setting: path, reason: 'file-open' } })
    }
  })

  test.each([
    ['{"user":"a:b","password":"hunter2"}'],
    ['{"user":"a\\r\\nX: y","password":"hunter2"}'],
    ['hunter2'],
    ['{"user":"a","password":"hunter2","more":1}'],
  ])('is refused without a word of what stands in it: %s', async (text) => {
    const error = await write(text).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ code: 'proxy.setting-bad', details: { setting: path, reason: 'file' } })
    expect(`${(error as Error).stack} ${String((error as Error).cause)}`).not.toContain('hunter2')
  })
})
