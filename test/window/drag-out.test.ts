import type { Transfer } from '@gantry/shared/ipc.ts'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { described, localFiles, remoteFiles, session, transfers } from './support/fixtures.ts'
import { closeBrowser, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'transfer.list': () => ({ transfers: transfers.slice(0, 2), failure: null }),
  'transfer.drag': () => ({ started: true }),
}
async function open(host: 'electron' | 'browser', script: Script = {}): Promise<TestWindow> {
  const window = await openWindow({ ...inSession, 'app.describe': () => ({ ...described, host }), ...script })
  opened.push(window)
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await window.page.locator('.files-side.device .fr.dir').first().waitFor()
  return window
}
const rowOf = ({ page }: TestWindow, name: string) => page.locator('.files-side.device').getByRole('row', { name })
/** Presses on it and goes some way, as a hand does; the button stays down. */
async function take({ page }: TestWindow, what: ReturnType<typeof rowOf>): Promise<void> {
  const box = await what.boundingBox()
  if (!box) throw new Error('not drawn')
  await page.mouse.move(box.x + 30, box.y + box.height / 2)
  await page.mouse.down()
  for (const way of [4, 12, 40]) await page.mouse.move(box.x + 30 + way, box.y + box.height / 2 + way / 2)
}
const fetching: Transfer = {
  ...{ id: 'tr-9', requestId: session.requestId, direction: 'get', name: 'journal', from: '/journal', to: localFiles.path, state: 'running' },
  ...{ bytes: 10, totalBytes: 1_800, files: 1, filesDone: 0, bytesPerSecond: 0, waitsFor: null, verified: false, failure: null },
}
const here: Transfer = { ...fetching, state: 'done', bytes: 1_800, filesDone: 1, verified: true }
const line = ({ page }: TestWindow) => page.locator('.drag-line')

describe('what is dragged out of the window of the app (R073)', () => {
  test('a finished download: the page names it, and nothing but it', async () => {
    const window = await open('electron')
    await take(window, window.page.locator('.queue li', { hasText: 'pressure-cal-2026-11.csv' }))
    await expect.poll(() => window.inputsOf('transfer.drag')).toEqual([{ transferIds: ['tr-1'] }])
    await window.page.mouse.up()
    await take(window, window.page.locator('.queue li', { hasText: 'console.toml' }))
    await window.page.mouse.up()
    expect(window.inputsOf('transfer.drag')).toHaveLength(1)
  })

  test('one whose file is gone says so', async () => {
    const window = await open('electron', { 'transfer.drag': () => ({ ok: false, failure: { code: 'file.not-found', details: { path: 'x' } } }) })
    await take(window, window.page.locator('.queue li', { hasText: 'pressure-cal-2026-11.csv' }))
    await window.page.getByRole('alert').getByText('file.not-found').waitFor()
    await window.page.mouse.up()
  })

  test('a file of the device: an ordinary download begins, and when it is here the drag does, while the button is held', async () => {
    const window = await open('electron', { 'transfer.start': () => ({ transferIds: ['tr-9'] }) })
    await take(window, rowOf(window, 'journal'))
    await expect
      .poll(() => window.inputsOf('transfer.start'))
      .toEqual([{ requestId: session.requestId, direction: 'get', from: ['/journal'], to: localFiles.path, replace: false }])
    window.tell('transfer.changed', fetching)
    await expect.poll(() => line(window).innerText()).toContain('Fetching journal')
    expect(window.inputsOf('transfer.drag')).toEqual([])
    window.tell('transfer.changed', here)
    await expect.poll(() => window.inputsOf('transfer.drag')).toEqual([{ transferIds: ['tr-9'] }])
    await expect.poll(() => line(window).innerText()).toBe('')
    await window.page.mouse.up()
  })

  test.each([
    ['the button', ({ page }: TestWindow) => page.mouse.up()],
    ['Esc', ({ page }: TestWindow) => page.keyboard.press('Escape')],
  ])('let go too early (%s), it stays an ordinary download, no drag begins, and a line says where it goes', async (_what, letGo) => {
    const window = await open('electron', { 'transfer.start': () => ({ transferIds: ['tr-9'] }) })
    await take(window, rowOf(window, 'journal'))
    await expect.poll(() => window.inputsOf('transfer.start')).toHaveLength(1)
    window.tell('transfer.changed', fetching)
    await letGo(window)
    await expect.poll(() => line(window).innerText()).toContain(`journal goes to ${localFiles.path}`)
    window.tell('transfer.changed', here)
    await window.page.locator('.queue li.done', { hasText: 'journal' }).waitFor()
    expect(window.inputsOf('transfer.drag')).toEqual([])
    await window.page.mouse.up()
  })

  test('all that are marked go together; a name that is taken here is asked about first, and nothing is dragged', async () => {
    const window = await open('electron', { 'transfer.start': () => ({ transferIds: ['tr-8', 'tr-9'] }) })
    await rowOf(window, 'calibration').click()
    await window.page.keyboard.down('Shift')
    await rowOf(window, 'journal').click()
    await window.page.keyboard.up('Shift')
    await take(window, rowOf(window, 'journal'))
    await expect.poll(() => window.inputsOf('transfer.start').map(({ from }) => from)).toEqual([['/calibration', '/journal']])
    window.tell('transfer.changed', here)
    await expect.poll(() => line(window).innerText()).toContain('Fetching 2 files')
    expect(window.inputsOf('transfer.drag')).toEqual([])
    window.tell('transfer.changed', { ...here, id: 'tr-8', name: 'calibration' })
    await expect.poll(() => window.inputsOf('transfer.drag')).toEqual([{ transferIds: ['tr-8', 'tr-9'] }])
    await window.page.mouse.up()
  })

  test('a name that is taken here is asked about first', async () => {
    const taken = { ...localFiles, entries: [...localFiles.entries, ...remoteFiles.entries.filter(({ name }) => name === 'journal')] }
    const window = await open('electron', { 'local.list': () => taken })
    await take(window, rowOf(window, 'journal'))
    await window.page.getByRole('dialog', { name: 'Replace it?' }).waitFor()
    await window.page.mouse.up()
    expect(window.inputsOf('transfer.start')).toEqual([])
  })

  test('by keyboard: a finished download is shown in its folder, and its path copied', async () => {
    const window = await open('electron', { 'transfer.place': () => ({ path: '/home/elena/pressure.csv' }) })
    const { page } = window
    await page.getByRole('button', { name: 'Show pressure-cal-2026-11.csv in its folder' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('transfer.show')).toEqual([{ transferId: 'tr-1' }])
    await page.getByRole('button', { name: 'Copy the path of pressure-cal-2026-11.csv' }).focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe('/home/elena/pressure.csv')
  })
})

test('in a browser nothing looks as if it could be dragged out; the path can be copied, and the help says what to do', async () => {
  const window = await open('browser')
  const { page } = window
  expect(await page.locator('[draggable=true]').count()).toBe(0)
  await take(window, rowOf(window, 'journal'))
  await page.mouse.up()
  expect(window.inputsOf('transfer.start')).toEqual([])
  await page.getByRole('button', { name: 'Copy the path of pressure-cal-2026-11.csv' }).waitFor()
  expect(await page.getByRole('button', { name: /in its folder/ }).count()).toBe(0)
  await page.getByRole('button', { name: 'Help' }).click()
  await page.getByText('In a browser files cannot be dragged out of the window.').waitFor()
})
