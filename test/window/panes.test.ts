import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { asking, described, ended, events, localFiles, remoteFiles, session } from './support/fixtures.ts'
import { closeBrowser, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'session.activity': () => ({ events, verified: true }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'settings.change': (part) => ({ ...described.settings, ...part }) as typeof described.settings,
}
async function open(script: Script = {}): Promise<TestWindow> {
  const window = await openWindow({ ...inSession, ...script })
  opened.push(window)
  return window
}
async function openTerminal(): Promise<TestWindow> {
  const window = await open()
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await expect.poll(() => window.inputsOf('terminal.open')).toHaveLength(1)
  await window.page.locator('.xterm-rows').waitFor()
  return window
}
const typedInto = (window: TestWindow, terminalId: string) =>
  window
    .inputsOf('terminal.write')
    .filter((input) => input.terminalId === terminalId)
    .map(({ data }) => data)
    .join('')

describe('panes of a session', () => {
  test('a split opens a further terminal, which has the focus; its close asks first and ends that one only', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.keyboard.press('Control+Shift+D')
    await expect.poll(() => window.inputsOf('terminal.open')).toHaveLength(2)
    await page.locator('.termp').nth(1).locator('.xterm.focus').waitFor()
    await page.keyboard.type('uptime')
    await expect.poll(() => typedInto(window, 'term-2')).toBe('uptime')
    expect(typedInto(window, 'term-1')).toBe('')
    await page
      .getByRole('region', { name: /CT Emergency 2/ })
      .getByRole('button', { name: 'Close the terminal' })
      .click()
    const question = page.getByRole('dialog', { name: 'Close terminal 2?' })
    await question.waitFor()
    expect(window.inputsOf('terminal.close')).toEqual([])
    await question.getByRole('button', { name: 'Close the terminal' }).click()
    await expect.poll(() => window.inputsOf('terminal.close')).toEqual([{ terminalId: 'term-2' }])
    await page.locator('.termp').first().locator('.xterm.focus').waitFor()
    await page.keyboard.type('id')
    await expect.poll(() => typedInto(window, 'term-1')).toBe('id')
  })

  test('no more than four terminals: a fifth is not opened', async () => {
    const window = await openTerminal()
    for (let count = 2; count <= 5; count++) {
      await window.page.keyboard.press('Control+Shift+D')
      await window.page
        .locator('.termp')
        .nth(Math.min(count, 4) - 1)
        .locator('.xterm.focus')
        .waitFor()
    }
    expect(await window.page.locator('.termp').count()).toBe(4)
    expect(await window.page.getByRole('button', { name: 'Open another terminal' }).count()).toBe(0)
  })

  test('files go beside the terminals and back, the divider goes by its arrows; both are remembered', async () => {
    const window = await openTerminal()
    const { page } = window
    const boxes = async () => [await page.locator('.terms').boundingBox(), await page.locator('.filesp').boundingBox()] as const
    const [over, under] = await boxes()
    expect(under?.y).toBeGreaterThan(over?.y ?? 0)
    await page.keyboard.press('Control+Shift+L')
    await expect.poll(() => window.inputsOf('settings.change').at(-1)?.layout?.['panes.beside']).toBe(1)
    const [left, right] = await boxes()
    expect(right?.y).toBe(left?.y)
    expect(right?.x).toBeGreaterThan(left?.x ?? 0)
    await page.getByRole('separator', { name: 'Room for the terminals' }).focus()
    await page.keyboard.press('ArrowRight')
    await expect.poll(() => window.inputsOf('settings.change').at(-1)?.layout).toEqual({ 'panes.beside': 1, 'panes.share': 52 })
    expect((await boxes())[0]?.width).toBeGreaterThan(left?.width ?? 0)
  })

  test('what was remembered is there at the next start', async () => {
    const window = await open({
      'app.describe': () => ({ ...described, settings: { ...described.settings, layout: { 'panes.beside': 1, 'panes.share': 30 } } }),
    })
    await window.page.getByRole('button', { name: 'Sessions' }).first().click()
    const separator = window.page.getByRole('separator', { name: 'Room for the terminals' })
    expect(await separator.getAttribute('aria-valuenow')).toBe('30')
    expect(await separator.getAttribute('aria-orientation')).toBe('vertical')
  })
})

describe('snippets', () => {
  test('a placeholder is asked for, and the line is put in without being run', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.keyboard.press('Control+Shift+S')
    const dialog = page.getByRole('dialog', { name: 'Snippets' })
    await dialog.getByRole('button', { name: /^sha256sum/ }).click()
    await dialog.getByRole('textbox', { name: 'file' }).fill('/var/nv/a.log')
    await page.keyboard.press('Enter')
    await expect.poll(() => typedInto(window, 'term-1')).toBe('sha256sum /var/nv/a.log')
  })

  test('one is written down and kept', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.keyboard.press('Control+Shift+S')
    const dialog = page.getByRole('dialog', { name: 'Snippets' })
    await dialog.getByRole('button', { name: 'New snippet' }).click()
    await dialog.getByRole('textbox', { name: 'Command line' }).fill('systemctl status {{unit}}')
    await page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('settings.change').at(-1)?.snippets?.[0]).toBe('systemctl status {{unit}}')
  })
})

describe('copying what is selected', () => {
  const printed = 'plain \u001b[1;31mred\u001b[0m'
  const withColours = 'plain \u001b[0;1;31mred\u001b[0m'
  const clipboard = ({ page }: TestWindow) => page.evaluate('navigator.clipboard.readText()')
  async function openSelected(): Promise<TestWindow> {
    const window = await openTerminal()
    const { page } = window
    await page.evaluate("navigator.clipboard.writeText('from before')")
    window.tell('terminal.data', { terminalId: 'term-1', data: printed })
    await page.locator('.xterm-rows > div').first().filter({ hasText: 'plain red' }).waitFor()
    // Three clicks select the line.
    await page.locator('.xterm-screen').click({ clickCount: 3, position: { x: 20, y: 6 } })
    await page.locator('.xterm-selection div').first().waitFor({ state: 'attached' })
    return window
  }

  test('by key: as text, and with its colours', async () => {
    const window = await openSelected()
    await window.page.keyboard.press('Control+Shift+C')
    await expect.poll(() => clipboard(window)).toBe('plain red')
    await window.page.keyboard.press('Control+Shift+A')
    await expect.poll(() => clipboard(window)).toBe(withColours)
    expect(typedInto(window, 'term-1')).toBe('')
  })

  test('by the menu of the pane', async () => {
    const window = await openSelected()
    await window.page.getByRole('button', { name: 'Copy what is selected' }).click()
    await window.page.getByRole('menuitem', { name: 'Copy with colours (ANSI)' }).click()
    await expect.poll(() => clipboard(window)).toBe(withColours)
  })

  test('with nothing selected the menu says so, and the clipboard stays', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.evaluate("navigator.clipboard.writeText('from before')")
    await page.keyboard.press('Control+Shift+A')
    await page.getByRole('button', { name: 'Copy what is selected' }).click()
    await page.getByText('Select something first').waitFor()
    expect(await page.getByRole('menuitem', { name: 'Copy as text' }).getAttribute('data-disabled')).toBe('true')
    expect(await clipboard(window)).toBe('from before')
  })
})

describe('a terminal for a screen reader', () => {
  test('is chosen in the settings, and has its rows and what is printed as text', async () => {
    const window = await openTerminal()
    const { page } = window
    expect(await page.locator('.xterm-accessibility').count()).toBe(0)
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByRole('group', { name: 'Terminal for a screen reader' }).getByText('On').click()
    await expect.poll(() => window.inputsOf('settings.change').at(-1)).toEqual({ terminalScreenReader: true })
    await page.getByRole('button', { name: 'Sessions' }).first().click()
    window.tell('terminal.data', { terminalId: 'term-1', data: 'ready\r\n' })
    await page.locator('.xterm-accessibility-tree').getByText('ready').waitFor({ state: 'attached' })
    expect(await page.getByRole('textbox', { name: 'Terminal input' }).count()).toBe(1)
  })
})

describe('nothing is lost and nothing missed', () => {
  test('a tab closed by mistake comes back, by its button and by its key', async () => {
    const window = await open({ 'session.list': () => ({ sessions: [ended] }) })
    const { page } = window
    await page.getByRole('button', { name: 'Sessions' }).first().click()
    const title = page.getByRole('heading', { name: 'The person at the device ended the session' })
    await title.waitFor()
    const close = async () => {
      await page.getByRole('tab', { name: /CT Emergency/ }).focus()
      await page.keyboard.press('Delete')
      await title.waitFor({ state: 'hidden' })
    }
    await close()
    await page.getByText('The tab of CT Emergency is closed.').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await title.waitFor()
    await close()
    await page.keyboard.press('Control+Shift+T')
    await title.waitFor()
    expect(await page.getByText('The tab of CT Emergency is closed.').count()).toBe(0)
  })

  test('an answer that comes while the window is behind is told by the system; in sight it is not', async () => {
    const window = await open({
      'session.list': () => ({ sessions: [] }),
      'request.list': () => ({ requests: [asking] }),
      'app.notify': () => ({ shown: true }),
    })
    const { page, tell } = window
    await page.locator('.rail .pip').waitFor()
    tell('request.changed', { ...asking, state: 'refused', failure: { code: 'access.refused' } })
    await page.getByText('CT Suite 3: the request came to nothing.').waitFor()
    expect(window.inputsOf('app.notify')).toEqual([])
    tell('request.changed', asking)
    await page.evaluate('document.hasFocus = () => false')
    await page.locator('.rail .pip').waitFor()
    tell('request.changed', { ...asking, state: 'open' })
    await expect.poll(() => window.inputsOf('app.notify')).toEqual([{ requestId: asking.requestId, what: 'answered' }])
  })

  test('a failure shows the reference of its log line, and both are copied', async () => {
    const window = await open({
      'session.list': () => ({ sessions: [] }),
      'device.list': () => ({ ok: false, failure: { code: 'server.unreachable', details: { host: 'gantry.example', hop: 'tcp', reference: 'K7QF2M' } } }),
    })
    await window.page.getByText('server.unreachable · K7QF2M').waitFor()
    await window.page.getByRole('button', { name: 'Copy the code and reference' }).click()
    await expect.poll(() => window.page.evaluate('navigator.clipboard.readText()')).toBe('server.unreachable K7QF2M')
  })

  test('the file for support is written on request only, and its place is told', async () => {
    const window = await open({ 'app.support-bundle': () => ({ path: '/home/elena/.config/gantry/profile/support-1.json' }) })
    await window.page.getByRole('button', { name: 'Help' }).click()
    expect(window.inputsOf('app.support-bundle')).toEqual([])
    await window.page.getByRole('button', { name: 'Write the support file' }).click()
    await window.page.getByText('support-1.json').waitFor()
  })
})
