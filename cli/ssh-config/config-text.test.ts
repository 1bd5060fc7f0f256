import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { commandLineEn } from '@gantry/shared/words/command-line.en.ts'
import { afterAll, describe, expect, test } from 'vitest'
import { configText, quoteCommand } from './config-text.ts'
import { hostPattern } from './host-name.ts'

const words = commandLineEn.usage
const deviceId = 'dev_abcdefghijklmnopqrst'
const root = mkdtempSync(join(tmpdir(), 'gantry-config-'))
afterAll(() => rmSync(root, { recursive: true }))

function write(typed: string, folder = '/home/a b/100%/é'): string {
  const path = join(root, 'config')
  const text = configText(
    {
      hostPattern: hostPattern(typed, deviceId, words),
      deviceId,
      username: 'a.tremblay',
      proxyCommand: ['/opt/node 24/bin/node', `${folder}/main.ts`, 'ssh-proxy', `${folder}/cfg`],
      agentSocket: '/run/user/1000/gantry-x/keys',
      identityFiles: [`${folder}/session.pub`, `${folder}/support.pub`, `${folder}/next.pub`],
      knownHosts: `${folder}/known_hosts`,
    },
    words,
  )
  writeFileSync(path, text)
  return path
}

/** What OpenSSH makes of a configuration, by keyword; several lines of one keyword are joined. */
function parsed(config: string, host: string): Map<string, string> {
  const lines = execFileSync('ssh', ['-G', '-F', config, host], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    .trim()
    .split('\n')
  const settings = new Map<string, string>()
  for (const line of lines) {
    const [name = '', ...rest] = line.split(' ')
    settings.set(name, [settings.get(name), rest.join(' ')].filter((value) => value !== undefined).join('\n'))
  }
  return settings
}

describe('OpenSSH reads what is printed', () => {
  test.each(['INJ-0001', deviceId, 'Échographie-2', 'A*B', 'what?', 'a#b', '日本', '=x', '~home'])('as host: %s', (typed) => {
    const settings = parsed(write(typed), typed)
    expect(settings.get('hostname')).toBe(deviceId)
    expect(settings.get('user')).toBe('a.tremblay')
  })

  test.each(['CT Room 3', 'Salle d’échographie 2', 'x y*z', 'A & B (new)'])(
    'a name that newer OpenSSH takes as no host is there, and the id beside it: %s',
    (typed) => {
      const config = write(typed)
      expect(readFileSync(config, 'utf8')).toContain(`Host "${typed.replaceAll('*', '?')}" ${deviceId}\n`)
      expect(parsed(config, deviceId).get('user')).toBe('a.tremblay')
    },
  )

  test('another host is not matched, not even by a star in the name', () => {
    expect(parsed(write('A*B'), 'AxxB').get('hostname')).toBe('axxb')
    expect(parsed(write('*'), 'other').get('hostname')).toBe('other')
  })

  test.each(['-oProxyCommand=x', 'a@b', 'a:b', 'a/b', '!a', 'a"b', "a'b", 'a\\b', 'a\nb', ''])(
    'a name that cannot be a host is refused, and the id offered: %j',
    (typed) => {
      expect(() => hostPattern(typed, deviceId, words)).toThrow(AppError)
      try {
        hostPattern(typed, deviceId, words)
      } catch (error) {
        expect(error instanceof AppError && error.details?.problem).toContain(deviceId)
      }
    },
  )

  test('the host key is pinned, nothing is forwarded, nothing else is offered', () => {
    const settings = parsed(write('INJ-0001'), 'INJ-0001')
    const expected = {
      identitiesonly: 'yes',
      hostkeyalias: deviceId,
      hostkeyalgorithms: 'ecdsa-sha2-nistp256',
      ciphers: 'aes256-gcm@openssh.com,aes128-gcm@openssh.com',
      stricthostkeychecking: 'true',
      globalknownhostsfile: 'none',
      updatehostkeys: 'false',
      forwardagent: 'no',
      forwardx11: 'no',
      preferredauthentications: 'publickey',
      connecttimeout: 'none',
      identityagent: '/run/user/1000/gantry-x/keys',
    }
    for (const [name, value] of Object.entries(expected)) expect([name, settings.get(name)]).toEqual([name, value])
  })

  test('paths with spaces, accents and percent signs survive', () => {
    const config = write('INJ-0001')
    expect(parsed(config, 'INJ-0001').get('identityfile')?.split('\n')).toEqual(
      ['session.pub', 'support.pub', 'next.pub'].map((name) => `/home/a b/100%%/é/${name}`),
    )
    expect(readFileSync(config, 'utf8')).toContain('UserKnownHostsFile "/home/a b/100%%/é/known_hosts"')
  })

  test.each(['/a\nb', '/a"b', `/a${'$'}{HOME}`, '/a\\b'])('a profile that OpenSSH cannot be told is refused: %j', (folder) => {
    expect(() => write('INJ-0001', folder)).toThrow(AppError)
  })
})

describe('ProxyCommand', () => {
  test.each([["it's"], ['a b'], ['back\\slash'], ['end\\'], ["'"], ['$HOME `id` "x"'], ['100%h %%'], ['é'], ['a;b&c|d>e']])(
    'OpenSSH and the shell hand over %j unchanged',
    (argument) => {
      const config = join(root, 'proxy')
      const out = join(root, 'out')
      const script = 'require("node:fs").writeFileSync(process.argv[1], JSON.stringify(process.argv.slice(2)))'
      writeFileSync(config, `Host x\n  ProxyCommand ${quoteCommand([process.execPath, '-e', script, out, argument], words)}\n`)
      expect(() => execFileSync('ssh', ['-F', config, 'x'], { stdio: 'ignore' })).toThrow()
      expect(JSON.parse(readFileSync(out, 'utf8'))).toEqual([argument])
    },
  )
})
