import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { closeBrowser, hasFocus, openWindow, type TestWindow } from './support/open-window.ts'
import { busy } from './support/scenes.ts'

/** The palette offers whatever can be done just now (R077): what is on the screen says so itself. */
const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

async function open(language: 'en' | 'fr' = 'en'): Promise<TestWindow> {
  const window = await openWindow(busy, { language })
  opened.push(window)
  await window.page.getByRole('grid').waitFor()
  return window
}
async function openSession(): Promise<TestWindow> {
  const window = await open()
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await window.page.locator('.xterm.focus').waitFor()
  return window
}
async function ask({ page }: TestWindow, text: string) {
  await page.keyboard.press('Control+k')
  const dialog = page.getByRole('dialog')
  await hasFocus(dialog)
  await dialog.getByRole('combobox').fill(text)
  return dialog
}
async function choose(window: TestWindow, text: string, name: string | RegExp) {
  const dialog = await ask(window, text)
  await dialog.getByRole('option', { name, selected: true }).waitFor()
  await window.page.keyboard.press('Enter')
}

describe('the palette', () => {
  test('does in a session what its keys and buttons do, and shows the keys', async () => {
    const window = await openSession()
    const { page } = window
    const entry = (await ask(window, 'end the session')).getByRole('option', { name: 'End the session' })
    expect(await entry.locator('kbd').textContent()).toBe('Ctrl ⇧ E')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: /End/ }).waitFor()
    await page.keyboard.press('Escape')
    expect(window.inputsOf('session.end')).toEqual([])

    const before = window.inputsOf('terminal.open').length
    await choose(window, 'another terminal', 'Another terminal')
    await expect.poll(() => window.inputsOf('terminal.open').length).toBe(before + 1)
    await page.locator('.termp').filter({ visible: true }).nth(1).locator('.xterm.focus').waitFor()

    await choose(window, 'scrollback', 'Search the scrollback')
    await page.getByPlaceholder('Search the scrollback').filter({ visible: true }).and(page.locator(':focus')).waitFor()
    await page.keyboard.press('Escape')

    await choose(window, 'new folder device', /New folder/)
    await page.getByRole('dialog').getByRole('textbox').waitFor()
    await page.keyboard.press('Escape')

    await choose(window, 'begin with a dot', 'Names that begin with a dot')
    await expect.poll(() => window.inputsOf('settings.change').at(-1)?.layout).toMatchObject({ 'files.hides-dots': 1 })
  })

  test('offers to copy where something is selected, and nowhere else', async () => {
    const window = await openSession()
    const { page } = window
    await (await ask(window, 'copy as text')).getByText('Nothing for “copy as text”').waitFor()
    await page.keyboard.press('Escape')
    window.tell('terminal.data', { terminalId: 'term-1' as never, data: '\u001b[2J\u001b[Hpicked' })
    await page.locator('.xterm-rows > div').filter({ visible: true, hasText: 'picked' }).waitFor()
    // Three clicks select the line.
    await page
      .locator('.xterm-screen')
      .filter({ visible: true })
      .click({ clickCount: 3, position: { x: 20, y: 6 } })
    await choose(window, 'copy as text', 'Copy as text')
    await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toContain('picked')
  })

  test('knows of the devices’ screen its views and the chosen device, and offers nothing of a session there', async () => {
    const window = await open()
    const { page } = window
    await choose(window, 'favourites', 'Favourites Views')
    await expect.poll(() => page.locator('.v[data-chosen]').innerText()).toContain('Favourites')
    await choose(window, 'save', 'Save this view')
    await page.getByRole('dialog', { name: /view/i }).waitFor()
    await page.keyboard.press('Escape')
    await (await ask(window, 'end the session')).getByText('Nothing for').waitFor()
  })

  test('changes what the settings hold, in French too', async () => {
    const window = await open('fr')
    await choose(window, 'texte du terminal plus grand', /Texte du terminal.*Plus grand/)
    await expect.poll(() => window.inputsOf('settings.change')).toEqual([{ terminalFontSize: 14 }])
  })
})
