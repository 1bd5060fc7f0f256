import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox, until } from './support/sandbox.ts'

let sandbox: RunningSandbox
let device: RunningSandbox['facts']['devices'][number]
beforeAll(async () => {
  sandbox = await startSandbox(newStateFolder(), ...oneDevice)
  const [first] = sandbox.facts.devices
  if (!first) throw new Error('no device')
  device = first
  expect((await sandbox.gantry('sign-in')).code).toBe(0)
})
afterAll(() => removeSandbox(sandbox))

const answerOf = (stdout: string) => JSON.parse(stdout).value
const panel = async () => JSON.parse((await sandbox.panel(device.id, 'show', '--json')).stdout)

/** In the operator's directory, which the main server watches. */
function assignToo(username: string, like: string): void {
  const path = join(sandbox.dir, 'sandbox/configs/seed.json')
  const seed = JSON.parse(readFileSync(path, 'utf8'))
  const find = (name: string) => seed.specialists.find((one: { username: string }) => one.username === name)
  find(username).profile = find(like).profile
  writeFileSync(path, JSON.stringify(seed))
}

/** A terminal in a session under that case, open and used. */
async function openTerminal(number: string) {
  const running = sandbox.startGantry('connect', device.id, '--access', 'os', '--reason', 'Console reacts slowly', '--case', number)
  expect((await sandbox.panel(device.id, 'approve', '--next', '--timeout', '40')).code).toBe(0)
  running.child.stdin?.write('echo in-$((20+3))\n')
  await until('the terminal', () => running.stdout().includes('in-23'), 30_000)
  return running
}

describe('a case (R087)', () => {
  test('that is closed ends its live session within 5 s, at both ends, and opens no other', async () => {
    const running = await openTerminal('60001')
    const listed = answerOf((await sandbox.gantry('case', 'list', '--json')).stdout).cases
    expect(listed).toMatchObject([{ number: '60001', state: 'open', held: true, liveRequests: 1, device: { id: device.id } }])

    const closing = sandbox.startGantry('case', 'close', '60001', '--resolution', 'Cable seated again')
    await until('the case to be closed', () => closing.stdout().includes('60001'))
    const closedAt = Date.now()
    const { code, stderr } = await running.done
    expect(Date.now() - closedAt).toBeLessThan(5_000)
    expect([code, stderr]).toEqual([3, expect.stringContaining('the case was closed')])
    await until('the panel shows no session', async () => (await panel()).sessions.length === 0 || null, 5_000)
    const close = await closing.done
    expect([close.code, close.stderr]).toEqual([0, expect.stringContaining('1 request or session in this case ends now.')])

    const again = await sandbox.gantry('run', device.id, 'diagnostics.collect', '--reason', 'once more', '--case', '60001')
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('(case.closed)')])
  })

  test('of another number goes on when one is closed', async () => {
    const running = await openTerminal('60002')
    await sandbox.gantry('run', device.id, 'diagnostics.collect', '--reason', 'something else', '--case', '60003')
    expect((await sandbox.gantry('case', 'close', '60003', '--resolution', 'Nothing found')).code).toBe(0)
    running.child.stdin?.write('echo still-$((40+4))\nexit\n')
    const { code, stdout } = await running.done
    expect([code, stdout]).toEqual([0, expect.stringContaining('still-44')])
  })

  test('can go to whoever is assigned to its device, which the directory says; who has nothing to do with a case learns nothing of it', async () => {
    const colleagues = async () => answerOf((await sandbox.gantry('case', 'show', '60002', '--json')).stdout).colleagues
    expect(await colleagues()).toEqual([])
    assignToo('aholm', 'emarchetti')
    await until('the colleague', async () => (await colleagues()).length > 0 || null)
    const { stdout } = await sandbox.gantry('case', 'show', '60002')
    expect(stdout).toMatch(/^Case 60002, open\n/)
    expect(stdout).toContain('It is with you.')
    expect(stdout).toContain('Can go to: aholm')
    for (const argv of [
      ['show', '69999'],
      ['close', '69999', '--resolution', 'not mine'],
      ['escalate', '69999', '--to', 'aholm', '--reason', 'why not'],
    ]) {
      const { code, stderr } = await sandbox.gantry('case', ...argv)
      expect([code, stderr]).toEqual([3, expect.stringContaining('(case.unknown)')])
    }
  })

  test('that was escalated is the colleague’s alone to close', async () => {
    const nobody = await sandbox.gantry('case', 'escalate', '60002', '--to', 'nobody', '--reason', 'The pump needs its maker')
    expect([nobody.code, nobody.stderr]).toEqual([2, expect.stringContaining('(case.colleague-unknown)')])
    const given = await sandbox.gantry('case', 'escalate', '60002', '--to', 'aholm', '--reason', 'The pump needs its maker', '--json')
    expect([given.code, answerOf(given.stdout).case]).toMatchObject([0, { held: false, holder: expect.stringContaining('Holm') }])
    const close = await sandbox.gantry('case', 'close', '60002', '--resolution', 'after all')
    expect([close.code, close.stderr]).toEqual([3, expect.stringContaining('(case.not-held)')])
  })
})
