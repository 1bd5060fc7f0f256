import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { described, localFiles, nowMs, remoteFiles, session } from './support/fixtures.ts'
import { closeBrowser, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()))
})
afterAll(closeBrowser)

const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
}
const locked = { locked: true, sinceMs: nowMs - 60_000 }

/** A terminal with something on it that nobody else shall read, and the focus in it. */
async function openTerminal(script: Script = inSession): Promise<TestWindow> {
  const window = await openWindow(script)
  opened.push(window)
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await window.page.locator('.xterm').first().click()
  window.tell('terminal.data', { terminalId: 'term-1', data: 'serial 520-99-SECRET\r\n' })
  await window.page.locator('.xterm-rows').getByText('SECRET').first().waitFor()
  return window
}

describe('the lock over a live session (T4)', () => {
  test('hides the terminal and all else from eyes and screen readers, and shows it again as it was', async () => {
    const { page, tell } = await openTerminal()
    const terminal = page.locator('.xterm-rows').getByText('SECRET').first()
    expect(await terminal.isVisible()).toBe(true)
    tell('lock.changed', locked)
    await page.getByRole('button', { name: 'Unlock with your sign-in' }).waitFor()
    expect(await terminal.isVisible()).toBe(false)
    expect(await page.locator('body > :not(.lock) *').filter({ visible: true }).count()).toBe(0)
    expect(await page.locator('body').ariaSnapshot()).not.toMatch(/SECRET|Search or do|CT Suite/)
    tell('terminal.data', { terminalId: 'term-1', data: 'went on meanwhile\r\n' })
    tell('lock.changed', { locked: false, sinceMs: null })
    await terminal.waitFor()
    await page.locator('.xterm-rows').getByText('went on meanwhile').first().waitFor()
  })

  test('takes every key: none reaches the terminal or a shortcut, and Tab stays inside', async () => {
    const { page, tell, inputsOf } = await openTerminal()
    tell('lock.changed', locked)
    await page.getByRole('button', { name: 'Unlock with your sign-in' }).waitFor()
    const before = inputsOf('terminal.write').length
    await page.keyboard.type('reboot')
    for (const key of ['Escape', 'Control+k', 'Control+Shift+E', 'F6', '?']) await page.keyboard.press(key)
    const focused: string[] = []
    for (let count = 0; count < 6; count++) {
      await page.keyboard.press('Tab')
      focused.push(String(await page.evaluate(`document.activeElement.closest('.lock') || document.activeElement === document.body ? 'lock' : 'below'`)))
    }
    expect(new Set(focused)).toEqual(new Set(['lock']))
    expect(inputsOf('terminal.write')).toHaveLength(before)
    expect(await page.getByRole('dialog').count()).toBe(1)
  })

  test('covers what floats, also what comes up later', async () => {
    const { page, tell } = await openTerminal()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').waitFor()
    tell('lock.changed', locked)
    await page.getByRole('button', { name: 'Unlock with your sign-in' }).waitFor()
    expect(await page.getByRole('combobox').count()).toBe(0)
    expect(await page.locator('body > :not(.lock) *').filter({ visible: true }).count()).toBe(0)
  })

  test('is there from the first moment of a page that is loaded while locked', async () => {
    const window = await openWindow({ ...inSession, 'app.describe': () => ({ ...described, lock: locked }) })
    opened.push(window)
    await window.page.getByRole('button', { name: 'Unlock with your sign-in' }).waitFor()
    expect(await window.page.locator('body > :not(.lock) *').filter({ visible: true }).count()).toBe(0)
    expect(window.inputsOf('terminal.open')).toEqual([])
    window.tell('lock.changed', { locked: false, sinceMs: null })
    await window.page.getByRole('button', { name: 'Sessions' }).first().waitFor()
  })

  test('asks to be unlocked, says why it was not, and opens only when the main process says so', async () => {
    const { page, tell } = await openTerminal({ ...inSession, 'lock.open': () => ({ ok: false, failure: { code: 'auth.other-person' } }) })
    tell('lock.changed', locked)
    await page.getByRole('button', { name: 'Unlock with your sign-in' }).press('Enter')
    await page.getByText('Somebody else signed in').waitFor()
    expect(await page.locator('.xterm-rows').getByText('SECRET').first().isVisible()).toBe(false)
  })

  test('the person’s own input is told to the main process, five seconds apart', async () => {
    const { page, inputsOf } = await openTerminal()
    expect(inputsOf('lock.touch')).toHaveLength(1)
    await page.clock.setFixedTime(nowMs + 6_000)
    await page.keyboard.type('ls')
    await expect.poll(() => inputsOf('lock.touch').length).toBe(2)
  })
})
