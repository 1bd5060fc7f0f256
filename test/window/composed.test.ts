import { afterAll, expect, test } from 'vitest'
import { localFiles, remoteFiles, session } from './support/fixtures.ts'
import { closeBrowser, openWindow } from './support/open-window.ts'

afterAll(closeBrowser)

/** As an input method does (Input Method Editors of Chinese, Japanese, Korean; dead keys of French): what is being composed stays in the window. */
test.each([
  ['Japanese', ['に', 'にほ', '日本'], '日本'],
  ['Korean', ['ㅎ', '하', '한'], '한'],
  ['a dead key', ['^'], 'ê'],
])('a terminal sends what an input method has composed, once, and nothing of what came before: %s', async (_, steps, whole) => {
  const window = await openWindow({ 'session.list': () => ({ sessions: [session] }), 'local.list': () => localFiles, 'remote.list': () => remoteFiles })
  try {
    const { page } = window
    await page.getByRole('button', { name: 'Sessions' }).first().click()
    await page.locator('.xterm-rows').waitFor()
    await expect.poll(() => window.inputsOf('terminal.open')).toHaveLength(1)
    await page.locator('.xterm-helper-textarea').focus()
    const written = () =>
      window
        .inputsOf('terminal.write')
        .map(({ data }) => data)
        .join('')
    const inspector = await page.context().newCDPSession(page)
    for (const text of steps) await inspector.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length })
    expect(written()).toBe('')
    await inspector.send('Input.insertText', { text: whole })
    await expect.poll(written).toBe(whole)
    await page.keyboard.press('Enter')
    await expect.poll(written).toBe(`${whole}\r`)
    await inspector.detach()
  } finally {
    await window.close()
  }
})
