import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Running, type RunningSandbox, removeSandbox, startSandbox, until } from './support/sandbox.ts'

let sandbox: RunningSandbox
let easy: RunningSandbox['facts']['devices'][number]
let strict: RunningSandbox['facts']['devices'][number]
const work = mkdtempSync(join(tmpdir(), 'gantry-e2e-work-'))
const ask = ['--reason', 'Console reacts slowly', '--case', '48213']

beforeAll(async () => {
  sandbox = await startSandbox()
  const [first, second] = sandbox.facts.devices
  if (!first || !second) throw new Error('no devices')
  easy = first
  strict = second
})
afterAll(async () => {
  await removeSandbox(sandbox)
  rmSync(work, { recursive: true, force: true })
})

/** A plain poll is 33 s away at most. */
const codeIn = (running: Running) => until('the matching code', () => /matching code (\d{3} \d{3})/.exec(running.stderr())?.[1], 45_000)
const answerOf = (stdout: string) => JSON.parse(stdout).value
const panelOf = async (device: { id: string }) => JSON.parse((await sandbox.panel(device.id, 'show', '--json')).stdout)
/** Runs a command and presses Allow when the device rings. */
async function allowed(device: { id: string }, ...argv: string[]) {
  const running = sandbox.startGantry(...argv)
  const pressed = await sandbox.panel(device.id, 'approve', '--next', '--timeout', '30')
  return { pressed, ...(await running.done) }
}

describe('before signing in', () => {
  test('nothing is shown and nothing is asked; the exit code says why', async () => {
    const { code, stdout, stderr } = await sandbox.gantry('devices')
    expect(code).toBe(4)
    expect(stdout).toBe('')
    expect(stderr).toContain('auth.not-signed-in')
  })

  test('a folder without a sandbox is told as such', async () => {
    const { code, stderr } = await sandbox.gantry('--sandbox', work, 'devices')
    expect(code).toBe(5)
    expect(stderr).toContain('sandbox.not-running')
  })
})

describe('signed in', () => {
  beforeAll(async () => {
    const { code, stdout } = await sandbox.gantry('sign-in')
    expect(stdout).toContain('Signed in as Elena Marchetti-Roy')
    expect(code).toBe(0)
  })

  test('R077: lists the four devices that are assigned, and no other', async () => {
    const { code, stdout } = await sandbox.gantry('devices', '--json')
    expect(code).toBe(0)
    const { devices } = answerOf(stdout)
    expect(devices.map(({ id }: { id: string }) => id).sort()).toEqual(sandbox.facts.devices.map(({ id }) => id).sort())
    for (const row of devices) expect(row.levels).toEqual(['diagnostics', 'files', 'application', 'os'])
  })

  test('a device of somebody else looks like one that does not exist', async () => {
    const hidden = await sandbox.gantry('run', 'dev_angiolabbeta', 'diagnostics.collect', ...ask)
    const invented = await sandbox.gantry('run', 'dev_doesnotexistatall', 'diagnostics.collect', ...ask)
    expect([hidden.code, invented.code]).toEqual([3, 3])
    expect(hidden.stderr.replaceAll('dev_angiolabbeta', '')).toBe(invented.stderr.replaceAll('dev_doesnotexistatall', ''))
  })

  test('R003: collects diagnostics without anybody being asked, and no patient data comes with them', async () => {
    const { code, stdout, stderr } = await sandbox.gantry('run', easy.name, 'diagnostics.collect', '--json', ...ask)
    expect(stderr).not.toContain('matching code')
    expect(code).toBe(0)
    const { output } = answerOf(stdout)
    expect(output.versions.software ?? JSON.stringify(output.versions)).toContain('6.3.1')
    expect(output.linesWithheld).toBeGreaterThan(0)
    expect(output.log.length).toBeGreaterThan(0)
    expect(stdout).not.toMatch(/SYNTHETIC, TEST|mrn=|SYN-000117/)
    expect(output.service).toMatchObject({ state: 'running' })
  })

  test('restarts the service of the device after a person has allowed it', async () => {
    const { code, stdout, pressed } = await allowed(easy, 'run', easy.id, 'service.restart', '--json', '--input', '{"reason":"slow console"}', ...ask)
    expect(pressed.code).toBe(0)
    expect(code).toBe(0)
    expect(answerOf(stdout).output.downMs).toBeGreaterThan(0)
  })

  test('R119: the panel shows who asks, from where, why, for which case and how long; both ends show the same code (R080)', async () => {
    const running = sandbox.startGantry('get', `${easy.id}:/README.txt`, work, '--minutes', '7', ...ask)
    const code = await codeIn(running)
    const { waiting } = await until('the panel rings', async () => {
      const state = await panelOf(easy)
      return state.waiting.length > 0 ? state : null
    })
    expect(waiting[0]).toMatchObject({
      specialist: 'Elena Marchetti-Roy',
      employer: 'Norvane support',
      country: 'CA',
      reason: 'Console reacts slowly',
      caseId: '48213',
      minutes: 7,
      access: 'files',
    })
    expect(waiting[0].code).toBe(code.replace(' ', ''))
    expect((await sandbox.panel(easy.id, 'approve', '--code', code)).code).toBe(0)
    expect((await running.done).code).toBe(0)
    expect(readFileSync(join(work, 'README.txt'), 'utf8')).toContain('SYNTHETIC')
  })

  test('puts a folder and gets it back, byte for byte, owned by the device’s own user', async () => {
    const folder = join(work, 'fix')
    mkdirSync(join(folder, 'deep/er'), { recursive: true })
    const big = Buffer.alloc(3_000_000, 'gantry ')
    writeFileSync(join(folder, 'deep/er/big.bin'), big)
    writeFileSync(join(folder, 'note é.txt'), 'bonjour')
    writeFileSync(join(folder, 'empty'), '')
    const there = await allowed(easy, 'put', folder, `${easy.id}:/updates`, '--json', ...ask)
    expect(there.code, there.stderr).toBe(0)
    const landed = join(easy.filesRoot, 'updates/fix/deep/er/big.bin')
    expect(readFileSync(landed).equals(big)).toBe(true)
    if (process.getuid?.() === 0) expect(statSync(landed).uid).toBe(65_534)
    const back = await allowed(easy, 'get', `${easy.id}:/updates/fix`, join(work, 'back'), '--json', ...ask)
    expect(back.code, back.stderr).toBe(0)
    const list = (root: string) =>
      globSync('**/*', { cwd: root })
        .filter((path) => statSync(join(root, path)).isFile())
        .sort()
    const fetched = existsSync(join(work, 'back/fix')) ? join(work, 'back/fix') : join(work, 'back')
    expect(list(fetched)).toEqual(list(folder))
    for (const path of list(folder)) expect(readFileSync(join(fetched, path)).equals(readFileSync(join(folder, path)))).toBe(true)
    expect(readdirSync(join(easy.filesRoot, 'updates/fix')).some((name) => name.includes('gantry-part'))).toBe(false)
  })

  test('a refusal at the panel ends it: exit code 3, nothing was done', async () => {
    const running = sandbox.startGantry('put', join(work, 'README.txt'), `${easy.id}:/refused.txt`, ...ask)
    const pressed = await sandbox.panel(easy.id, 'refuse', '--next', '--timeout', '30')
    expect(pressed.code).toBe(0)
    const { code, stderr } = await running.done
    expect(code).toBe(3)
    expect(stderr).toContain('access.refused')
    expect(existsSync(join(easy.filesRoot, 'refused.txt'))).toBe(false)
  })

  test('R080: a wrong code is a refusal', async () => {
    const running = sandbox.startGantry('get', `${easy.id}:/README.txt`, join(work, 'never'), ...ask)
    const code = await codeIn(running)
    const pressed = await sandbox.panel(easy.id, 'approve', '--next', '--code', code === '123 456' ? '654321' : '123456')
    expect(pressed.code).toBe(3)
    expect((await running.done).code).toBe(3)
    expect(running.stderr()).toContain('access.code-wrong')
  })

  test('R080: the strict device wants the code typed in; the panel itself does not know it', async () => {
    const running = sandbox.startGantry('connect', strict.name, ...ask)
    // A person who looks around and leaves.
    running.child.stdin?.end('id\nexit\n')
    const code = await codeIn(running)
    await until('the panel rings', async () => (await panelOf(strict)).waiting.length > 0 || null, 60_000)
    expect((await panelOf(strict)).waiting[0].code).toBeNull()
    expect((await sandbox.panel(strict.id, 'approve')).code).toBe(2)
    expect((await sandbox.panel(strict.id, 'approve', '--code', code)).code).toBe(0)
    const { code: exitCode, stdout, stderr } = await running.done
    expect(exitCode, stderr).toBe(0)
    expect(stdout).toContain('uid=')
  })

  test('cancelled by the specialist before anybody answered: the panel stops asking', async () => {
    const running = sandbox.startGantry('get', `${easy.id}:/README.txt`, join(work, 'cancelled'), ...ask)
    await until('the panel rings', async () => (await panelOf(easy)).waiting.length > 0 || null)
    running.child.kill('SIGINT')
    const { code } = await running.done
    expect([1, 3]).toContain(code)
    await until('the panel stops asking', async () => (await panelOf(easy)).waiting.length === 0 || null)
    expect(existsSync(join(work, 'cancelled'))).toBe(false)
  })

  test('ended at the panel in mid-session: exit code 3 and the cause', async () => {
    writeFileSync(join(easy.filesRoot, 'large.bin'), Buffer.alloc(400_000_000))
    const running = sandbox.startGantry('get', `${easy.id}:/large.bin`, join(work, 'large'), ...ask)
    expect((await sandbox.panel(easy.id, 'approve', '--next', '--timeout', '30')).code).toBe(0)
    await until('the session is open', async () => (await panelOf(easy)).sessions.length > 0 || null)
    expect((await sandbox.panel(easy.id, 'end')).code).toBe(0)
    const { code, stderr } = await running.done
    rmSync(join(easy.filesRoot, 'large.bin'))
    expect(code).toBe(3)
    expect(stderr).toContain('ended at the device')
  })

  test('says what is wrong with a command before anybody is bothered', async () => {
    const cases = [
      ['run', easy.id, 'diagnostics.collect'],
      ['run', easy.id, 'no.such-action', ...ask],
      ['get', 'nonsense', work, ...ask],
      ['run', easy.id, 'diagnostics.collect', '--case', '1', '--reason', 'x'.repeat(10_000)],
      ['connect', easy.id, '--access', 'root', ...ask],
    ]
    for (const argv of cases) expect((await sandbox.gantry(...argv)).code, argv.join(' ').slice(0, 60)).toBe(2)
    expect((await panelOf(easy)).waiting).toEqual([])
  })
})

describe('the audit', () => {
  const logs = () => globSync('**/audit.jsonl', { cwd: sandbox.dir }).map((path) => join(sandbox.dir, path))

  test('R089, R092: every party has written one, and all of them hold', async () => {
    const { code, stdout, stderr } = await sandbox.gantry('audit', 'verify', '--json')
    expect(code, stderr).toBe(0)
    const { stores } = answerOf(stdout)
    expect(stores.length).toBe(logs().length)
    for (const folder of ['main-server', 'access-server-1', 'devices/1', 'authority', 'client']) {
      expect(
        logs().some((path) => path.includes(folder)),
        folder,
      ).toBe(true)
    }
  })

  test('R089: device and main server agree event by event on what happened in each session', () => {
    const eventsOf = (path: string) =>
      readFileSync(path, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event)
    const device = eventsOf(join(sandbox.dir, 'devices/1/agent/audit.jsonl')).filter(({ requestId }) => requestId)
    const server = new Map(eventsOf(join(sandbox.dir, 'main-server/audit.jsonl')).map((event) => [event.id, event]))
    expect(device.length).toBeGreaterThan(20)
    for (const event of device) expect(server.get(event.id)).toEqual(event)
  })

  test('R096: file names and paths stay on the device', () => {
    const device = readFileSync(join(sandbox.dir, 'devices/1/agent/audit.jsonl'), 'utf8')
    expect(device).toContain('README.txt')
    for (const path of logs().filter((one) => !one.includes('devices/'))) expect(readFileSync(path, 'utf8').includes('README.txt'), path).toBe(false)
  })

  const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')
  const damages: Record<string, (lines: string[]) => string[]> = {
    edited: (lines) => lines.map((line, index) => (index === 3 ? line.replace(/"at":"2/, '"at":"1') : line)),
    removed: (lines) => lines.filter((_, index) => index !== 3),
    inserted: (lines) => [...lines.slice(0, 4), lines[2] ?? '', ...lines.slice(4)],
    swapped: (lines) => [...lines.slice(0, 3), lines[4] ?? '', lines[3] ?? '', ...lines.slice(5)],
    'cut-tail': (lines) => lines.slice(0, -2),
  }
  for (const [what, damage] of Object.entries(damages)) {
    test(`R090: a line that was ${what} is found and named, in a copy as in the original`, async () => {
      const original = join(sandbox.dir, 'devices/1/agent/audit.jsonl')
      const copy = join(work, what, 'audit.jsonl')
      mkdirSync(join(work, what))
      copyFileSync(original, copy)
      const before = digest(copy)
      writeFileSync(copy, damage(readFileSync(copy, 'utf8').trimEnd().split('\n')).join('\n').concat('\n'))
      expect(digest(copy)).not.toBe(before)
      const { code, stdout, stderr } = await sandbox.gantry('audit', 'verify', copy, '--json')
      expect(code).toBe(1)
      expect(stdout + stderr).toContain('audit.broken')
      expect(stdout + stderr).toMatch(what === 'cut-tail' ? /cut/ : /"line":\s*[3-6]/)
    })
  }

  test('R090: a file that nobody touched is good, with or without the parties around it', async () => {
    const { code, stderr } = await sandbox.gantry('audit', 'verify', join(sandbox.dir, 'devices/1/agent/audit.jsonl'))
    expect(code, stderr).toBe(0)
  })
})

describe('signing out', () => {
  test('forgets the sign-in', async () => {
    expect((await sandbox.gantry('sign-out')).code).toBe(0)
    expect((await sandbox.gantry('devices')).code).toBe(4)
  })
})
