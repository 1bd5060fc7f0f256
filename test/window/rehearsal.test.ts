import type { DeviceRow } from '@gantry/shared/client-api.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { asking, described, devices, localFiles, practice, remoteFiles, session, transfers } from './support/fixtures.ts'
import { closeBrowser, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

async function open(rows: DeviceRow[], script: Script = {}): Promise<TestWindow> {
  const window = await openWindow({
    ...{ 'device.list': () => ({ devices: rows, atMs: 0, offline: false }), 'local.list': () => localFiles, 'remote.list': () => remoteFiles },
    ...script,
  })
  opened.push(window)
  await window.page.locator('.rows [role=row]').first().waitFor()
  return window
}
const band = ({ page }: TestWindow) => page.locator('.rehearsal')
const done = (window: TestWindow) => band(window).locator('li:has(svg)').allInnerTexts()
const line = (window: TestWindow) => band(window).getByRole('status').innerText()
const withPractice = [...devices, practice]
const mine = { id: practice.id, name: practice.name, site: practice.site.name }
const request = { ...asking, device: mine, typed: false }
const live = { ...session, requestId: request.requestId, device: mine }
const fetched: Transfer = { ...(transfers[0] as Transfer), id: 'tr-9', requestId: request.requestId }

describe('a rehearsal on the practice device (R075)', () => {
  test('nothing is offered where none is assigned; the help says who assigns one', async () => {
    const window = await open(devices)
    const { page } = window
    expect(await band(window).count()).toBe(0)
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('rehearse')
    await page.getByText('Nothing').first().waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Help' }).click()
    await page.getByText(/None is assigned to you; the vendor’s office can assign one/).waitFor()
    expect(await page.getByRole('button', { name: /Rehearse/ }).count()).toBe(0)
  })

  test('it is not offered before this computer has keys, nor once it was put away; palette and help have it at any time', async () => {
    const noKeys = await open(withPractice, { 'keys.status': () => ({ state: 'missing', current: null, waiting: null }) })
    expect(await band(noKeys).count()).toBe(0)
    const window = await open(withPractice)
    const { page } = window
    await band(window).getByRole('button', { name: 'Not now' }).click()
    await expect.poll(() => band(window).count()).toBe(0)
    expect(window.inputsOf('settings.change')).toEqual([{ layout: { 'rehearsal.put-away': 1 } }])
    await page.getByRole('button', { name: 'Help' }).click()
    await page.getByRole('button', { name: 'Rehearse a call on the practice device' }).click()
    await page.getByRole('dialog', { name: 'Request a session' }).waitFor()
    await page.keyboard.press('Escape')
    await band(window).getByRole('button', { name: 'Leave the rehearsal' }).click()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox').fill('rehearse')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Request a session' }).waitFor()
  })

  test('what was put away stays so at the next start', async () => {
    const settings = { ...described.settings, layout: { 'rehearsal.put-away': 1 } }
    const window = await open(withPractice, { 'app.describe': () => ({ ...described, settings }) })
    await window.page.locator('.rows .tag.practice').waitFor()
    expect(await band(window).count()).toBe(0)
  })

  test('each tick comes from what happens; by keyboard alone, and each step is said', async () => {
    const window = await open(withPractice, { 'request.start': () => ({ requestId: request.requestId }) })
    const { page, tell } = window
    await band(window).getByRole('button', { name: 'Begin' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Request a session' })
    await dialog.getByText(/The form is filled in/).waitFor()
    await page.keyboard.press('Control+Enter')
    await expect
      .poll(() => window.inputsOf('request.start'))
      .toMatchObject([{ deviceId: practice.id, access: 'os', reason: 'Rehearsal', caseId: 'REHEARSAL-2026-11-20', minutes: 15 }])
    tell('request.changed', request)
    await page
      .getByRole('dialog')
      .getByText(/On a call you read the code out now/)
      .waitFor()
    expect(await done(window)).toEqual(['Ask'])
    tell('session.changed', live)
    tell('request.changed', { ...request, state: 'open' })
    await expect.poll(() => done(window)).toEqual(['Ask', 'Answer'])
    await page.locator('.xterm-rows').waitFor()
    await page.locator('.shead .tag.practice').waitFor()
    expect(await line(window)).toContain('Type a command')
    tell('transfer.changed', fetched)
    await expect.poll(() => done(window)).toEqual(['Ask', 'Answer', 'File'])
    await page.locator('.xterm-helper-textarea').focus()
    await page.keyboard.type('uptime')
    await page.keyboard.press('Enter')
    await expect
      .poll(() =>
        window
          .inputsOf('terminal.write')
          .map(({ data }) => data)
          .join(''),
      )
      .toBe('uptime\r')
    expect(await done(window)).toEqual(['Ask', 'Answer', 'File'])
    tell('terminal.data', { terminalId: 'term-1', data: 'uptime\r\n 19:05 up 3 days\r\n$ ' })
    await expect.poll(() => line(window)).toBe('End the session: Ctrl Shift E, then Enter.')
    tell('session.changed', { ...live, state: 'ended', endedMs: 0, endCause: 'specialist' })
    await expect.poll(() => line(window)).toContain('That was a whole call')
    expect(window.inputsOf('settings.change')).toEqual([{ layout: { 'rehearsal.put-away': 1 } }])
    await band(window).getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => band(window).count()).toBe(0)
  })

  test('a refusal is said and asked again; Esc in the band leaves, and the request is nobody’s but the person’s', async () => {
    const window = await open(withPractice, { 'request.list': () => ({ requests: [request] }) })
    const { page, tell } = window
    await band(window).getByRole('button', { name: 'Begin' }).click()
    // One that is open already is the one that counts.
    await page
      .getByRole('dialog')
      .getByText(/On a call you read the code out now/)
      .waitFor()
    expect(window.inputsOf('request.start')).toEqual([])
    await expect.poll(() => done(window)).toEqual(['Ask'])
    tell('request.changed', { ...request, state: 'refused', failure: { code: 'access.refused' } })
    await expect.poll(() => page.getByRole('dialog').innerText()).toContain('The request came to nothing')
    await page.keyboard.press('Escape')
    await expect.poll(() => line(window)).toContain('The form is filled in')
    await band(window).getByRole('button', { name: 'Open the form' }).click()
    await page.getByRole('dialog', { name: 'Request a session' }).waitFor()
    await page.keyboard.press('Escape')
    await band(window).getByRole('button', { name: 'Leave the rehearsal' }).focus()
    await page.keyboard.press('Escape')
    await expect.poll(() => band(window).getByRole('button', { name: 'Begin' }).count()).toBe(1)
    expect(window.inputsOf('request.cancel')).toEqual([])
  })
})
