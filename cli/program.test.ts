import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { run } from './program.ts'

const home = mkdtempSync(join(tmpdir(), 'gantry-cli-'))
afterAll(() => rmSync(home, { recursive: true }))

/** Runs a command line in this process, with a profile that knows no server. */
async function gantry(argv: string[], env: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = await run(argv, { stdin: new PassThrough(), stdout, stderr, env: { LANG: 'en_CA.UTF-8', XDG_CONFIG_HOME: home, ...env } })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const ask = ['--reason', 'Pressure drift', '--case', 'C-1']

describe('what is typed wrong is a usage error (exit code 2) that names what is wrong', () => {
  test.each([
    [[], 'Name a command.'],
    [['nonsense'], 'There is no command nonsense.'],
    [['devices', '--nonsense'], 'There is no option --nonsense.'],
    [['devices', 'extra'], 'Too many arguments: extra.'],
    [['audit'], 'Name a command.'],
    [['actions'], 'Missing: DEVICE.'],
    [['run', 'D'], 'Missing: ACTION.'],
    [['connect', 'D'], 'Missing: --reason, --case.'],
    [['connect', 'D', '--reason', 'x'], 'Missing: --case.'],
    [['ssh-config', 'D', '--case', 'x'], 'Missing: --reason.'],
    [['connect', 'D', '--reason'], '--reason needs a value.'],
    [['connect', 'D', '--reason', ' ', '--case', 'C'], '--reason must not be empty.'],
    [['connect', 'D', '--reason', 'a\nb', '--case', 'C'], '--reason must be one line'],
    [['connect', 'D', '--reason', 'a\u202eb', '--case', 'C'], '--reason must be one line'],
    [['connect', 'D', '--reason', 'x'.repeat(1_001), '--case', 'C'], 'The reason is too long.'],
    [['connect', 'D', '--reason', 'x', '--case', 'c'.repeat(65)], '--case may have 64 characters at most.'],
    [['connect', 'D', ...ask, '--access', 'root'], '--access is diagnostics, files, application or os.'],
    [['connect', 'D', ...ask, '--access', 'files'], 'connect needs the level application or os.'],
    [['connect', 'D', ...ask, '--minutes', '0'], '--minutes is a whole number from 1 to 480.'],
    [['connect', 'D', ...ask, '--minutes', '481'], '--minutes is a whole number'],
    [['connect', 'D', ...ask, '--minutes', '1e2'], '--minutes is a whole number'],
    [['connect', 'D', ...ask, '--kind', 'fun'], '--kind is installation'],
    [['run', 'D', 'format.disk', ...ask], 'There is no action format.disk.'],
    [['run', 'D', 'service.restart', ...ask, '--access', 'files'], 'This action needs the level application.'],
    [['run', 'D', 'service.restart', ...ask], 'reason is not as it should be.'],
    [['run', 'D', 'diagnostics.collect', ...ask, '--input', '{'], '--input is not JSON.'],
    [['run', 'D', 'diagnostics.collect', ...ask, '--input', '{"logLines":-1}'], 'logLines is not as it should be.'],
    [['case'], 'Name a command.'],
    [['case', 'nonsense'], 'There is no command nonsense.'],
    [['case', 'show'], 'Missing: NUMBER.'],
    [['case', 'escalate', '48213'], 'Missing: --to, --reason.'],
    [['case', 'escalate', '48213', '--to', 'thebert'], 'Missing: --reason.'],
    [['case', 'close', '48213'], 'Missing: --resolution.'],
    [['case', 'close', '48213', '--resolution', 'ok'], '--resolution must have 3 characters at least.'],
    [['case', 'close', '48213', '--resolution', 'a\nb c'], '--resolution must be one line'],
    [['case', 'close', '48213', '--resolution', 'x'.repeat(501)], '--resolution may have 500 characters at most.'],
    [['put'], 'Missing: LOCAL… DEVICE:PATH.'],
    [['put', 'a'], 'Missing: DEVICE:PATH.'],
    [['put', fileURLToPath(import.meta.url), 'no-colon', ...ask], 'no-colon is not DEVICE:PATH.'],
    [['get', 'D:/a'], 'Missing: LOCAL.'],
    [['get', 'D:/a', 'E:/b', '.', ...ask], 'All the paths must be on one device.'],
    [['get', 'D:/a', '.', ...ask, '--access', 'diagnostics'], 'The level diagnostics holds no files.'],
    [['devices'], 'Which main server?'],
    [['devices', '--server', 'http://example.com'], '--server must be an address such as'],
    [['devices', '--sandbox', '/nowhere', '--server', 'https://example.com'], '--sandbox and --server exclude each other.'],
    [['devices', '--server', 'https://example.com', '--ca', '/nowhere'], '/nowhere holds no PEM certificate.'],
  ] as [string[], string][])('gantry %j', async (argv, sentence) => {
    const { exit, stdout, stderr } = await gantry(argv)
    expect([exit, stdout]).toEqual([2, ''])
    expect(stderr).toContain(sentence)
  })
})

describe('other exit codes that need nobody', () => {
  test('a sandbox that does not run: 5', async () => {
    const { exit, stderr } = await gantry(['devices', '--sandbox', home])
    expect(exit).toBe(5)
    expect(stderr).toContain('(sandbox.not-running)')
  })

  test.each([
    [['put', '/nowhere/a', 'D:/', ...ask], 'file.not-found'],
    [['get', 'D:/a', '/nowhere/a', ...ask], 'file.not-found'],
    [['get', 'D:/a', 'D:/b', fileURLToPath(import.meta.url), ...ask], 'file.not-a-folder'],
    [['audit', 'verify', '/nowhere'], 'file.not-found'],
    [['audit', 'verify'], 'file.not-found'],
  ] as [string[], string][])('gantry %j: 1', async (argv, code) => {
    const { exit, stderr } = await gantry(argv)
    expect(exit).toBe(1)
    expect(stderr).toContain(`(${code})`)
  })

  test('help and version: 0, on stdout', async () => {
    for (const argv of [['--help'], ['help', 'run'], ['connect', '--help'], ['--version']]) {
      const { exit, stdout, stderr } = await gantry(argv)
      expect([exit, stderr]).toEqual([0, ''])
      expect(stdout.length).toBeGreaterThan(3)
    }
  })
})

describe('--json', () => {
  test.each([[['devices']], [['nonsense']], [['run', 'D', 'nonsense', ...ask]], [['audit', 'verify', '/nowhere']]])(
    'a failure of gantry %j is one document on stdout',
    async (argv) => {
      const { exit, stdout, stderr } = await gantry([...argv, '--json'])
      const document = JSON.parse(stdout)
      expect(exit).toBeGreaterThan(0)
      expect(document).toMatchObject({ ok: false, failure: { code: expect.stringMatching(/^[a-z]+\.[a-z-]+$/) } })
      expect(stderr).toContain(document.failure.code)
    },
  )
})

describe('two languages', () => {
  test.each([
    [{ LANG: 'fr_CA.UTF-8' }, 'Il manque'],
    [{ LC_ALL: 'fr_FR', LANG: 'en_CA.UTF-8' }, 'Il manque'],
    [{ LC_ALL: '', LC_MESSAGES: 'fr', LANG: 'en' }, 'Il manque'],
    [{ LANG: 'C.UTF-8' }, 'Missing'],
    [{ LANG: '' }, 'Missing'],
    [{ LANG: 'frr_DE' }, 'Missing'],
  ])('%j', async (env, word) => {
    expect((await gantry(['connect', 'D'], env)).stderr).toContain(word)
  })

  test('the help has no English left in French', async () => {
    const { stdout } = await gantry(['connect', '--help'], { LANG: 'fr_CA.UTF-8' })
    expect(stdout).not.toMatch(/Options of|show|default|display/)
    expect(stdout).toContain('par défaut')
  })
})

describe('the process', () => {
  const node = promisify(execFile)
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))

  test('a reader that has seen enough is no failure', async () => {
    const { stderr } = await node('sh', ['-c', '"$0" "$1" --help | head -1', process.execPath, main])
    expect(stderr).toBe('')
  })

  test('a printed configuration that was taken away is told in words', async () => {
    const failure = await node(process.execPath, [main, 'ssh-proxy', '/nowhere'], { env: { LANG: 'en_CA.UTF-8' } }).catch(
      (error: { code: number; stderr: string }) => error,
    )
    expect('code' in failure && failure.code).toBe(1)
    expect(failure.stderr).toContain('(state.unreadable)')
  })
})
