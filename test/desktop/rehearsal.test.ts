import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type RunningSandbox, removeSandbox, startSandbox, until } from '../e2e/support/sandbox.ts'
import { absent, host, isShort } from './support/host.ts'
import { type OpenWindow, openWindow, walkSignIn } from './support/open-window.ts'

/** The whole rehearsal, beside a real sandbox: the device, its session and its record are as any; only the person in front of it is simulated. */
const isHere = absent === '' && !isShort
const home = mkdtempSync(join(tmpdir(), 'gantry-rehearsal-'))
let sandbox: RunningSandbox
let window: OpenWindow
let page: Page

beforeAll(async () => {
  if (!isHere) return
  sandbox = await startSandbox(undefined, '--practice', '--devices', '1')
  window = await openWindow(sandbox, home)
  page = window.page
})
afterAll(async () => {
  await window?.close()
  if (sandbox) await removeSandbox(sandbox)
  rmSync(home, { recursive: true, force: true })
})

const band = () => page.locator('.rehearsal')
const ticked = () => band().locator('li:has(svg)').allInnerTexts()

describe.skipIf(!isHere)(`a rehearsal in the ${host} host${absent}`, () => {
  test('R075: asks, is allowed, runs a command, fetches a file and ends, and the device has all of it on record', async () => {
    const device = sandbox.facts.devices.at(-1) as RunningSandbox['facts']['devices'][number]
    expect(sandbox.facts.devices).toHaveLength(2)
    await page.getByRole('button', { name: 'Sign in with your browser' }).click()
    const signIn = await window.signInPage()
    await walkSignIn(signIn, sandbox.facts.specialist)
    await signIn.getByText('You are signed in').waitFor()
    await signIn.close()
    await page.locator('[role=row]', { hasText: device.name }).getByText('Practice', { exact: true }).waitFor()

    await band().getByRole('button', { name: 'Begin' }).click()
    await page
      .getByRole('dialog')
      .getByText(/The form is filled in/)
      .waitFor()
    await page.keyboard.press('Control+Enter')
    await page
      .getByRole('dialog')
      .getByText(/On a call you read the code out now/)
      .waitFor()
    await until('the person has answered', async () => (await ticked()).includes('Answer') || null, 60_000)
    await until('a prompt', async () => /[$#]\s*$/m.test((await page.locator('.xterm-rows').textContent()) ?? '') || null)
    await page.locator('.xterm').first().click()
    await page.keyboard.type('uptime')
    await page.keyboard.press('Enter')
    await expect.poll(ticked).toEqual(['Ask', 'Answer', 'Command'])
    await page.locator('.files-side.device').getByRole('row', { name: 'README.txt' }).click()
    await page.keyboard.press('F5')
    await expect.poll(ticked).toEqual(['Ask', 'Answer', 'Command', 'File'])
    expect(readFileSync(join(home, 'README.txt'), 'utf8')).toBe(readFileSync(join(device.filesRoot, 'README.txt'), 'utf8'))
    await page.keyboard.press('Control+Shift+E')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Enter')
    await band()
      .getByText(/That was a whole call/)
      .waitFor()

    const onRecord = () => {
      const record = readFileSync(join(sandbox.dir, 'devices/5/agent/audit.jsonl'), 'utf8')
      return ['access.approved', 'session.opened', 'terminal.opened', 'file.received', 'session.ended'].filter((kind) => record.includes(`"kind":"${kind}"`))
    }
    await expect.poll(() => onRecord().length).toBe(5)
    await band().getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => band().count()).toBe(0)
    expect(readFileSync(join(sandbox.dir, 'client/settings.json'), 'utf8')).toContain('rehearsal.put-away')
  })
})
