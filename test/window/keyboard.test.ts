import type { Locator } from 'playwright'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { allScenes } from './support/all-scenes.ts'
import { comparison, session } from './support/fixtures.ts'
import { walkOver } from './support/keyboard-walk.ts'
import { closeBrowser, openWindow, type TestWindow } from './support/open-window.ts'
import { busy } from './support/scenes.ts'
import { openStage } from './support/stage.ts'

/** WCAG 2.2 AA: 2.1.1 everything by keyboard, 2.1.2 no trap, 2.4.3 focus order, 2.4.7 visible focus (R077). */
const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

/** Each screen with the fewest stops that a walk over it must have made, so that a walk over nothing is none. */
const walked = {
  'sign-in': 2,
  devices: 25,
  'devices-stopped': 25,
  'request-form': 7,
  session: 40,
  'session-split': 55,
  'session-files-only': 35,
  settings: 20,
  'settings-no-keys': 15,
} as const

describe('each main screen can be used by keyboard alone (R077)', () => {
  test.for(Object.entries(walked))('%s', async ([name, least]) => {
    const scene = allScenes[name]
    if (!scene) throw new Error(`no scene ${name}`)
    const stage = await openStage(scene, { language: 'en' })
    onTestFinished(() => stage.close())
    const { steps, ...found } = await walkOver(stage.page)
    expect(found).toEqual({ missed: [], unmarked: [], trap: null })
    expect(steps).toBeGreaterThanOrEqual(least)
  })
})

const isFocused = (one: Locator) => one.and(one.page().locator(':focus')).waitFor({ state: 'attached' })
/** A menu has the focus itself, a dialog one of its controls. */
const hasFocusWithin = (floating: Locator) => floating.and(floating.page().locator(':focus, :has(:focus)')).waitFor({ state: 'attached' })

async function open(): Promise<TestWindow> {
  const window = await openWindow({ ...busy, 'compare.start': () => comparison })
  opened.push(window)
  return window
}
async function openSession(): Promise<TestWindow> {
  const window = await open()
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await window.page.locator('.xterm.focus').waitFor()
  return window
}
/** Opened by a key, closed by one, the focus is where it was. */
async function goesBack({ page }: TestWindow, opener: Locator, floating: Locator, key = 'Enter', closingKey = 'Escape') {
  await opener.focus()
  await page.keyboard.press(key)
  await hasFocusWithin(floating)
  await page.keyboard.press(closingKey)
  await floating.waitFor({ state: 'hidden' })
  await isFocused(opener)
}

describe('what floats gives the focus back to what opened it (R077)', () => {
  test('over the devices', async () => {
    const window = await open()
    const { page } = window
    const [menu, dialog] = [page.getByRole('menu'), page.getByRole('dialog')]
    await goesBack(window, page.locator('.avatar'), menu)
    await goesBack(window, page.locator('.filter.model button'), menu)
    await goesBack(window, page.getByRole('button', { name: 'Save this view' }), dialog)
    await goesBack(window, page.getByRole('button', { name: /Search or do anything/ }), dialog)
    const grid = page.getByRole('grid', { name: 'Devices' })
    await goesBack(window, grid, dialog, 'Control+k')
    await page.locator('.rows').getByText('CT Suite 3').click()
    await goesBack(window, grid, dialog)
  })

  test('over a session', async () => {
    const window = await openSession()
    const { page } = window
    const [menu, dialog] = [page.getByRole('menu'), page.getByRole('dialog')]
    const button = (name: string | RegExp) => page.locator('[data-session]').getByRole('button', { name })
    await goesBack(window, button(/^Case 48213/), dialog)
    await goesBack(window, button(/^More time/), dialog)
    await goesBack(window, button(/^End/), dialog)
    await goesBack(window, button('Copy what is selected'), menu)
    await goesBack(window, button('Snippets'), dialog)
    await goesBack(window, page.getByRole('textbox', { name: 'Terminal input' }), dialog, 'Control+Shift+E')
    const files = page.getByRole('grid', { name: /Device/ })
    await goesBack(window, files, dialog, 'F7')
    await page.locator('.file-grid').last().getByText('console.toml', { exact: true }).click()
    for (const key of ['F2', 'Delete']) await goesBack(window, files, dialog, key)
    await goesBack(window, button('Compare the folders'), dialog)
    // Closed while the device answers, and open again by then.
    await goesBack(window, button('Run').first(), dialog)
    // Esc would take the request back; the focus is on the button that puts it aside.
    await goesBack(window, page.getByRole('tab', { name: /MR 2/ }), dialog, 'Enter', 'Enter')
  })

  test('and to what stands beside it where that is gone', async () => {
    const window = await openSession()
    const { page } = window
    const more = page.locator('[data-session]').getByRole('button', { name: /^More time/ })
    await more.focus()
    await page.keyboard.press('Enter')
    await hasFocusWithin(page.getByRole('dialog'))
    // The person's question went out from another window: the button's place is taken by that sentence.
    window.tell('session.changed', { ...session, asksMinutes: 15 })
    await page.getByText('15 more minutes').waitFor()
    await hasFocusWithin(page.locator('.shead'))
  })
})
