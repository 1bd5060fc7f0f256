import type { Settings, SignInState, Transfer } from '@gantry/shared/ipc.ts'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  asking,
  comparison,
  described,
  devices,
  ended,
  events,
  localFiles,
  manyDevices,
  nowMs,
  remoteFiles,
  session,
  specialist,
  transfers,
} from './support/fixtures.ts'
import { closeBrowser, hasFocus, type Look, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

async function open(script: Script = {}, look: Look = {}): Promise<TestWindow> {
  const window = await openWindow(script, look)
  opened.push(window)
  return window
}

const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'session.activity': () => ({ events, verified: true }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'transfer.start': () => ({ transferIds: ['tr-1'] }),
}

async function openTerminal(script: Script = {}): Promise<TestWindow> {
  const window = await open({ ...inSession, ...script })
  await window.page.getByRole('button', { name: 'Sessions' }).first().click()
  await window.page.locator('.xterm-rows').waitFor()
  await expect.poll(() => window.inputsOf('terminal.open')).toHaveLength(1)
  return window
}
const type = ({ tell }: TestWindow, data: string) => tell('terminal.data', { terminalId: 'term-1', data })
const shown = ({ page }: TestWindow) => page.locator('.xterm-rows').innerText()
const setClipboard = ({ page }: TestWindow, text: string) => page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`)
const written = (window: TestWindow) =>
  window
    .inputsOf('terminal.write')
    .map(({ data }) => data)
    .join('')

describe('from the list to a session with the keyboard alone (R077)', () => {
  test('search, choose, ask: the request holds what was filled in, and its window follows', async () => {
    const window = await open({ ...inSession, 'session.list': () => ({ sessions: [] }), 'request.start': () => ({ requestId: asking.requestId }) })
    const { page, tell } = window
    await page.keyboard.press('/')
    await page.keyboard.type('suite 3')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Request a session' }).waitFor()
    await page.getByRole('radio', { name: /Operating system/ }).check()
    await page.getByRole('textbox', { name: 'Case' }).fill('48213')
    await page.getByRole('textbox', { name: /Reason/ }).fill('The console reacts slowly.')
    await page.keyboard.press('Control+Enter')
    await expect
      .poll(() => window.inputsOf('request.start'))
      .toEqual([{ deviceId: devices[0]?.id, access: 'os', serviceKind: 'support', caseId: '48213', reason: 'The console reacts slowly.', minutes: 60 }])
    tell('request.changed', asking)
    await page.getByText('Please type four eight two, nine one seven.').waitFor()
    tell('session.changed', { ...session, requestId: asking.requestId })
    tell('request.changed', { ...asking, state: 'open' })
    await page.getByRole('tab', { name: /CT Emergency/ }).waitFor()
  })

  test('nothing is sent while a case or a reason is missing, and the form says which', async () => {
    const window = await open()
    await window.page.locator('.rows').getByText('CT Suite 3').dblclick()
    await hasFocus(window.page.getByRole('dialog', { name: 'Request a session' }))
    await window.page.keyboard.press('Control+Enter')
    await window.page.getByRole('alert').getByText('Name the case.').waitFor()
    expect(window.inputsOf('request.start')).toEqual([])
  })

  test('a support key behind a PIN asks for it at each request; a wrong one is told, and typed anew (R078)', async () => {
    const current = { fingerprint: 'K3QF-7MZA-PX2D-WJ5N', untilMs: nowMs + 86_400_000, pin: true }
    const window = await open({
      'keys.status': () => ({ state: 'ready', current, waiting: null }),
      'request.start': ({ pin }) =>
        pin === '739-201' ? { requestId: asking.requestId } : { ok: false, failure: { code: 'auth.pin-wrong', details: { triesLeft: 2 } } },
    })
    const { page } = window
    await page.locator('.rows').getByText('CT Suite 3').dblclick()
    await page.getByRole('textbox', { name: 'Case' }).fill('48213')
    await page.getByRole('textbox', { name: /Reason/ }).fill('The console reacts slowly.')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('alert').getByText('Type your PIN.').waitFor()
    expect(window.inputsOf('request.start')).toEqual([])
    const pin = page.getByLabel('PIN of your support key')
    expect(await pin.getAttribute('type')).toBe('password')
    await pin.fill('000000')
    await page.keyboard.press('Control+Enter')
    await page.getByText('That is not your PIN.').waitFor()
    expect(await pin.inputValue()).toBe('')
    await pin.fill('739-201')
    await page.keyboard.press('Control+Enter')
    await expect.poll(() => window.inputsOf('request.start').map((input) => input.pin)).toEqual(['000000', '739-201'])
  })

  test('Esc withdraws a request that is on its way; put aside, it stays and tells its answer', async () => {
    const window = await open({ 'request.list': () => ({ requests: [asking] }) })
    const { page, tell } = window
    const follow = () => page.locator('.rows').getByText('CT Suite 3').dblclick()
    await follow()
    await page.getByRole('button', { name: 'Put aside' }).click()
    expect(window.inputsOf('request.cancel')).toEqual([])
    tell('request.changed', { ...asking, state: 'refused', failure: { code: 'access.refused' } })
    await page.getByText('CT Suite 3: the request came to nothing.').waitFor()
    tell('request.changed', asking)
    await page.locator('.rail .pip').waitFor()
    await follow()
    await hasFocus(page.getByRole('dialog'))
    await page.keyboard.press('Escape')
    await expect.poll(() => window.inputsOf('request.cancel')).toEqual([{ requestId: asking.requestId }])
  })

  test('asked again after a refusal, the form holds what was asked for', async () => {
    const window = await open({ 'request.list': () => ({ requests: [asking] }), 'request.start': () => ({ requestId: asking.requestId }) })
    const { page, tell } = window
    await page.locator('.rows').getByText('CT Suite 3').dblclick()
    tell('request.changed', { ...asking, state: 'refused', failure: { code: 'access.refused' } })
    await page.getByRole('button', { name: 'Ask again' }).click()
    await page.getByRole('dialog', { name: 'Request a session' }).waitFor()
    await page.keyboard.press('Control+Enter')
    const { device, access, serviceKind, caseId, reason, minutes } = asking
    await expect.poll(() => window.inputsOf('request.start')).toEqual([{ deviceId: device.id, access, serviceKind, caseId, reason, minutes }])
  })

  test('while the customer’s contact is told, or must accept, the request says so, and not that the device is waited for (R084)', async () => {
    const before = { ...asking, state: 'requested' as const, steps: asking.steps.slice(0, 2), code: null, answerBeforeMs: null }
    const window = await open({ 'request.list': () => ({ requests: [{ ...before, contact: 'telling' }] }) })
    const { page, tell } = window
    await page.locator('.rows').getByText('CT Suite 3').dblclick()
    await page.getByRole('heading', { name: 'Telling the customer' }).waitFor()
    tell('request.changed', { ...before, contact: 'answer' })
    await page.getByText('They must accept before the device hears of it').waitFor()
    tell('request.changed', { ...before, contact: null })
    await page.getByRole('heading', { name: 'Waiting for the device to pick it up' }).waitFor()
    tell('request.changed', { ...before, contact: null, state: 'refused', failure: { code: 'access.contact-refused' } })
    await page.getByText('The customer’s contact refused the session.').waitFor()
  })

  test('a refusal by the policy stands in the form with its sentence and code', async () => {
    const window = await open({ 'request.start': () => ({ ok: false, failure: { code: 'access.not-entitled', details: { endedOn: '2026-10-31' } } }) })
    const { page } = window
    await page.locator('.rows').getByText('CT Suite 3').dblclick()
    await page.getByRole('textbox', { name: 'Case' }).fill('1')
    await page.getByRole('textbox', { name: /Reason/ }).fill('x')
    await page.keyboard.press('Control+Enter')
    await page.getByText('The service agreement ended on 2026-10-31.').waitFor()
    await page.getByText('access.not-entitled').waitFor()
  })

  test('5,000 devices are searched and only what is seen is drawn (R009)', async () => {
    const { page } = await open({ 'device.list': () => ({ devices: manyDevices(5_000), atMs: nowMs, offline: false }) })
    await page.getByText('5,000 devices, 5,000 can be reached').waitFor()
    expect(await page.locator('.rows [role="row"]').count()).toBeLessThan(60)
    await page.keyboard.press('End')
    await expect.poll(() => page.locator('[aria-selected="true"]').getAttribute('aria-rowindex')).toBe('5001')
    await page.getByRole('searchbox').fill('no. 4321')
    await page.getByText('1 device, 1 can be reached').waitFor()
  })

  test('offline the list keeps what was known, with its age, and asks nothing', async () => {
    const window = await open({ 'device.list': () => ({ devices, atMs: nowMs - 24 * 60_000, offline: true }) })
    await window.page.getByText('Offline since 13:41.').waitFor()
    await window.page.locator('.rows').getByText('CT Suite 2').click()
    const request = window.page.getByRole('button', { name: 'Request a session' })
    expect(await request.getAttribute('aria-disabled')).toBe('true')
    await request.click({ force: true })
    expect(await window.page.getByRole('dialog').count()).toBe(0)
  })
})

describe('the terminal shows what the device says and lets nothing out', () => {
  test('what is typed goes to the device, what it answers is drawn, and all of it is acknowledged', async () => {
    const window = await openTerminal()
    await window.page.keyboard.type('df -h')
    await window.page.keyboard.press('Enter')
    await expect.poll(() => written(window)).toBe('df -h\r')
    type(window, '/dev/nv-data 98%\r\n')
    await expect.poll(() => shown(window)).toContain('/dev/nv-data 98%')
    await expect.poll(() => window.inputsOf('terminal.drawn').reduce((sum, { characters }) => sum + characters, 0)).toBe('/dev/nv-data 98%\r\n'.length)
  })

  test('a flood is acknowledged to its last character and leaves 10,000 lines', async () => {
    const window = await openTerminal()
    let sent = 0
    for (let at = 0; at < 60; at++) {
      const data = `${'x'.repeat(78)}\r\n`.repeat(500)
      type(window, data)
      sent += data.length
    }
    type(window, 'the end')
    await expect.poll(() => window.inputsOf('terminal.drawn').reduce((sum, { characters }) => sum + characters, 0), { timeout: 30_000 }).toBe(sent + 7)
    await expect.poll(() => shown(window)).toContain('the end')
  })

  test('sequences for the clipboard, the title and links change nothing outside the screen', async () => {
    const window = await openTerminal()
    await setClipboard(window, 'mine')
    type(
      window,
      `\u001b]52;c;${Buffer.from('stolen').toString('base64')}\u0007\u001b]52;c;?\u0007\u001b]0;Hacked\u0007\u001b]2;Hacked\u001b\\\u001b]8;;https://bad.example\u0007link\u001b]8;;\u0007 done`,
    )
    await expect.poll(() => shown(window)).toContain('link done')
    expect(await window.page.evaluate('navigator.clipboard.readText()')).toBe('mine')
    expect(await window.page.title()).toBe('Gantry')
    await window.page.locator('.xterm-rows').getByText('link done').hover({ force: true })
    expect(await window.page.locator('.xterm-cursor-pointer').count()).toBe(0)
    expect(written(window)).toBe('')
  })

  test('one line is pasted at once; several lines and control characters are asked about first', async () => {
    const window = await openTerminal()
    const paste = async (text: string) => {
      await setClipboard(window, text)
      await window.page.keyboard.press('Control+Shift+V')
    }
    await paste('ls')
    await expect.poll(() => written(window)).toBe('ls')
    await paste('rm x\nrm y\n')
    const question = window.page.getByRole('dialog', { name: 'Paste into the terminal?' })
    await question.waitFor()
    await hasFocus(question)
    await window.page.keyboard.press('Escape')
    await question.waitFor({ state: 'hidden' })
    expect(written(window)).toBe('ls')
    await paste('rm x\u001b[201~\nrm y')
    await question.waitFor()
    await hasFocus(question)
    await window.page.keyboard.press('Enter')
    await expect.poll(() => written(window)).toBe('lsrm x\rrm y')
  })

  test('its size follows the window', async () => {
    const window = await openTerminal()
    const columns = () => window.inputsOf('terminal.resize').at(-1)?.columns ?? 0
    await expect.poll(columns).toBeGreaterThan(100)
    await window.page.setViewportSize({ width: 1000, height: 700 })
    await expect.poll(columns).toBeLessThan(100)
    expect(columns()).toBeGreaterThan(50)
  })

  test('the scrollback can be searched', async () => {
    const window = await openTerminal()
    type(window, 'alpha\r\nneedle one\r\nbeta\r\nneedle two\r\n')
    await window.page.keyboard.press('Control+Shift+F')
    await window.page.getByRole('search').getByRole('textbox').fill('needle')
    await window.page.getByText('2 of 2').waitFor()
    await window.page.keyboard.press('Enter')
    await window.page.getByText('1 of 2').waitFor()
  })

  test('when the program ends the pane says so and can open another', async () => {
    const window = await openTerminal()
    window.tell('terminal.closed', { terminalId: 'term-1', exitCode: 3, failure: null })
    await window.page.getByText('The program ended with code 3.').waitFor()
    await window.page.getByRole('button', { name: 'Open again' }).click()
    await expect.poll(() => window.inputsOf('terminal.open')).toHaveLength(2)
  })
})

describe('files move with the keyboard', () => {
  test('F5 copies what is marked to the other side', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.getByText('pressure-cal-2026-11.csv').click()
    await page.keyboard.press('Shift+ArrowUp')
    await page.keyboard.press('F5')
    await expect
      .poll(() => window.inputsOf('transfer.start'))
      .toEqual([
        {
          requestId: session.requestId,
          direction: 'put',
          from: ['/home/elena/Service/case-48213/nv520-6.3.1-hotfix2.nvu', '/home/elena/Service/case-48213/pressure-cal-2026-11.csv'],
          to: '/',
          replace: false,
        },
      ])
  })

  test('what would be replaced is asked about; nothing moves before the answer', async () => {
    const window = await openTerminal({ 'local.list': () => ({ ...localFiles, entries: remoteFiles.entries }) })
    const { page } = window
    await page.getByRole('grid', { name: 'Files, Device' }).getByText('console.toml', { exact: true }).click()
    await page.keyboard.press('F5')
    await hasFocus(page.getByRole('dialog', { name: 'Replace it?' }))
    expect(window.inputsOf('transfer.start')).toEqual([])
    await page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('transfer.start')).toMatchObject([{ direction: 'get', from: ['/console.toml'], replace: true }])
  })

  test('letters lead to a name, and names that begin with a dot can be left out', async () => {
    const window = await openTerminal()
    const { page } = window
    const grid = page.getByRole('grid', { name: 'Files, Device' })
    await grid.focus()
    await page.keyboard.type('con')
    await expect.poll(() => grid.getByRole('row', { selected: true }).textContent()).toContain('console.toml')
    await grid.getByText('.nv520-6.3.1-hotfix2.nvu.gantry-part').waitFor()
    await page.getByRole('button', { name: 'Names that begin with a dot' }).click()
    await grid.getByText('.nv520-6.3.1-hotfix2.nvu.gantry-part').waitFor({ state: 'detached' })
    await expect.poll(() => window.inputsOf('settings.change')).toMatchObject([{ layout: { 'files.hides-dots': 1 } }])
  })

  test('the queue takes a limit for all transfers, and a transfer is paused and goes on', async () => {
    const window = await openTerminal({ 'transfer.list': () => ({ transfers, failure: null }) })
    const { page } = window
    await page.getByRole('combobox', { name: 'Speed of all transfers together' }).selectOption('1.0\u00a0MB/s')
    await expect.poll(() => window.inputsOf('settings.change')).toEqual([{ transferBytesPerSecond: 1_000_000 }])
    await page.getByRole('button', { name: 'Pause nv520-6.3.1-hotfix2.nvu' }).click()
    await expect.poll(() => window.inputsOf('transfer.pause')).toEqual([{ transferId: 'tr-4', paused: true }])
    window.tell('transfer.changed', { ...(transfers.at(-1) as Transfer), state: 'paused', bytesPerSecond: 0 })
    await page.getByRole('button', { name: 'Go on with nv520-6.3.1-hotfix2.nvu' }).click()
    await expect.poll(() => window.inputsOf('transfer.pause')).toHaveLength(2)
  })

  test('what the app left when it was closed waits for a session with its device, and is gone with its owner (R073)', async () => {
    const left = transfers.slice(0, 2).map((one, at) => ({
      ...one,
      ...{ id: `tr-${at + 20}`, state: 'paused' as const, verified: false, failure: null, waitsFor: { id: session.device.id, name: session.device.name } },
    }))
    let sessions: (typeof session)[] = []
    const window = await open({ ...inSession, 'transfer.list': () => ({ transfers: left, failure: null }), 'session.list': () => ({ sessions }) })
    const { page } = window
    await page.getByText('Paused, waits for a session with CT Emergency:').waitFor()
    sessions = [session]
    window.tell('session.changed', session)
    await page.getByText('Paused, waits for a session with CT Emergency:').waitFor({ state: 'hidden' })
    await page
      .getByRole('button', { name: /^Sessions/ })
      .first()
      .click()
    await page.getByText('Paused since the app was closed').first().waitFor()
    await page.getByRole('button', { name: 'Go on with all' }).click()
    await expect.poll(() => window.inputsOf('transfer.pause')).toEqual(left.map(({ id }) => ({ transferId: id, paused: false })))
    window.script['transfer.list'] = () => ({ transfers: [], failure: null })
    window.tell('sign-in.changed', described.signIn)
    window.tell('sign-in.changed', { ...described.signIn, specialist: { ...specialist, id: 'spc_andersholmaa' as typeof specialist.id } })
    await page.getByText('Paused since the app was closed').first().waitFor({ state: 'hidden' })
  })

  test('a file that is dropped on the device’s list is sent, after the question where one is there; nothing else that is dropped is (R073)', async () => {
    const window = await openTerminal({ 'transfer.start': () => ({ transferIds: [] }) })
    const { page } = window
    const drop = (on: string, names: string[]) =>
      page.evaluate(`{
        const data = new DataTransfer()
        for (const name of ${JSON.stringify(names)}) data.items.add(new File(['x'], name))
        if (${names.length} === 0) data.setData('text/plain', 'a text')
        const place = document.querySelector(${JSON.stringify(on)})
        for (const kind of ['dragover', 'drop']) place.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))
      }`)
    const list = '.files-side.device .file-grid'
    await page.locator(`${list} .fr.dir`).first().waitFor()
    // A browser does not say where a file lies: said, and nothing sent.
    await drop(list, ['new.bin'])
    await page.getByText('file.not-found').waitFor()
    await page.evaluate(`window.api.pathOf = ({ name }) => '/home/elena/' + name`)
    await drop(list, ['new.bin'])
    const sent = { requestId: session.requestId, direction: 'put', to: '/' }
    await expect.poll(() => window.inputsOf('transfer.start')).toEqual([{ ...sent, from: ['/home/elena/new.bin'], replace: false }])
    await drop(list, [])
    await drop('.files-side.here .file-grid', ['other.bin'])
    await drop(list, ['console.toml'])
    await page.getByRole('dialog', { name: 'Replace it?' }).getByRole('button', { name: 'Replace' }).click()
    await expect.poll(() => window.inputsOf('transfer.start').slice(1)).toEqual([{ ...sent, from: ['/home/elena/console.toml'], replace: true }])
  })

  test('two folders are compared, each row can be left out, and nothing is deleted unless it is asked for (R073)', async () => {
    const window = await openTerminal({
      'compare.start': () => comparison,
      'compare.apply': () => ({ transfers: 2, removed: 0, notRemoved: 0 }),
    })
    const { page } = window
    await page.getByRole('button', { name: 'Compare the folders' }).focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Compare the folders' })
    await dialog.getByRole('heading', { name: 'Copied: 2' }).waitFor()
    expect(await dialog.getByRole('heading', { name: /Deleted/ }).count()).toBe(0)
    await dialog.getByRole('checkbox', { name: /limits\.toml/ }).focus()
    await page.keyboard.press(' ')
    await dialog.getByRole('button', { name: 'Start transfers (2)' }).waitFor()
    await dialog.getByRole('checkbox', { name: 'Also delete files that only the device has' }).check()
    await dialog.getByRole('heading', { name: 'Deleted for good: 1' }).waitFor()
    await dialog.getByRole('button', { name: 'Start transfers (2), delete (1)' }).click()
    await expect.poll(() => window.inputsOf('compare.apply')).toEqual([{ compareId: comparison.compareId, direction: 'put', copy: [1, 2], remove: [3] }])
    await dialog.waitFor({ state: 'hidden' })
  })

  test('where files may only be fetched, nothing can be sent (R073)', async () => {
    const window = await openTerminal({ 'compare.start': () => ({ ...comparison, directions: { put: false, get: true } }) })
    const { page } = window
    await page.getByRole('button', { name: 'Compare the folders' }).click()
    const dialog = page.getByRole('dialog', { name: 'Compare the folders' })
    await dialog.getByText('does not let files go this way').waitFor()
    expect(await dialog.getByRole('button', { name: /^Start/ }).count()).toBe(0)
    await dialog.getByText('From the device', { exact: true }).click()
    await dialog.getByRole('button', { name: 'Start transfers (2)' }).waitFor()
  })

  test('that what the app left cannot be read is said', async () => {
    const { page } = await open({ 'transfer.list': () => ({ transfers: [], failure: { code: 'state.unreadable' } }) })
    await page.getByText(/The transfers that the app left when it was closed could not be read/).waitFor()
  })

  test('a file is deleted only after a yes, and a folder is made with a good name only', async () => {
    const window = await openTerminal()
    const { page } = window
    await page.getByText('console.toml.before-48213').click()
    await page.keyboard.press('Delete')
    await page.getByRole('button', { name: 'Delete', exact: true }).last().click()
    await expect.poll(() => window.inputsOf('remote.delete')).toEqual([{ requestId: session.requestId, path: '/console.toml.before-48213' }])
    await page.keyboard.press('F7')
    const field = page.getByRole('dialog').getByRole('textbox')
    await field.fill('../up')
    await page.getByText('A name has no slash and no control character.').waitFor()
    await field.fill('before')
    await page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('remote.make-folder')).toEqual([{ requestId: session.requestId, path: '/before' }])
  })

  test('Enter opens a folder, Backspace goes back up', async () => {
    const window = await openTerminal()
    await window.page.getByText('journal', { exact: true }).click()
    await window.page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('remote.list').at(-1)?.path).toBe('/journal')
    await window.page.getByRole('navigation', { name: 'Folders, Device' }).getByText('journal').waitFor()
    await window.page.keyboard.press('Backspace')
    await expect.poll(() => window.inputsOf('remote.list').at(-1)?.path).toBe('/')
  })
})

describe('a session and its end', () => {
  test('Ctrl Shift E asks once, Enter ends', async () => {
    const window = await openTerminal()
    await window.page.keyboard.press('Control+Shift+E')
    await hasFocus(window.page.getByRole('dialog', { name: 'End the session?' }))
    expect(window.inputsOf('session.end')).toEqual([])
    await window.page.keyboard.press('Enter')
    await expect.poll(() => window.inputsOf('session.end')).toEqual([{ requestId: session.requestId }])
    window.tell('session.changed', ended)
    await window.page.getByRole('heading', { name: 'The person at the device ended the session' }).waitFor()
  })

  test('Ctrl Shift M asks for more time; that it was asked, the answer, and a no are shown, and the session stays', async () => {
    const window = await openTerminal({ 'session.ask-time': () => ({ ok: false, failure: { code: 'access.refused' } }) as never })
    await window.page.getByText('38 of 200 MB').waitFor()
    await window.page.keyboard.press('Control+Shift+M')
    const dialog = window.page.getByRole('dialog', { name: 'More time' })
    await dialog.getByText('30 min').click()
    await dialog.getByRole('button', { name: 'Ask' }).click()
    await expect.poll(() => window.inputsOf('session.ask-time')).toEqual([{ requestId: session.requestId, minutes: 30 }])
    await window.page.getByText('access.refused').waitFor()
    await window.page.keyboard.press('Escape')
    window.tell('session.changed', { ...session, asksMinutes: 30 })
    await window.page.getByText('Asked for 30 more minutes').waitFor()
    window.tell('session.changed', { ...session, endsMs: session.endsMs + 30 * 60_000 })
    await window.page.getByText('of 90 min left').waitFor()
    await window.page.locator('.xterm-rows').waitFor()
  })

  test('an audit chain that breaks is said at once', async () => {
    const window = await openTerminal()
    const [event] = events
    if (event) window.tell('session.activity', { requestId: session.requestId, event, verified: false })
    await window.page.getByText('the chain does not hold').waitFor()
  })

  test('a sign-in that ends leaves the open session in place', async () => {
    const window = await openTerminal()
    window.tell('sign-in.changed', { ...described.signIn, phase: 'expired', failure: { code: 'auth.session-expired' } })
    await window.page.getByText('Open sessions stay open').waitFor()
    await window.page.locator('.xterm-rows').waitFor()
  })

  test('a sign-in elsewhere is shown until the person says that it is theirs, or ends it (R068)', async () => {
    const ended: string[] = []
    const window = await open({
      ...inSession,
      'sign-in.end-elsewhere': ({ place }) => {
        ended.push(place)
        return {}
      },
    })
    const [mine, stranger] = ['m'.repeat(43), 's'.repeat(43)].map((place, at) => ({ place, mine: false, beganMs: nowMs, address: `198.51.100.${at}` }))
    const elsewhere = [
      { ...mine, system: 'Windows' },
      { ...stranger, system: null },
    ] as SignInState['elsewhere']
    window.tell('sign-in.changed', { ...described.signIn, elsewhere })
    const band = window.page.locator('.band', { hasText: 'also signed in elsewhere' })
    await band.filter({ hasText: 'on Windows, from 198.51.100.0' }).getByRole('button', { name: 'That is me' }).waitFor()
    await band.getByText('One more place is older.').waitFor()
    await band.getByRole('button', { name: 'End it there' }).click()
    await expect.poll(() => ended).toEqual([mine?.place, stranger?.place])
    window.tell('sign-in.changed', { ...described.signIn, elsewhere: elsewhere.slice(1) })
    await band.filter({ hasText: 'from 198.51.100.1' }).getByRole('button', { name: 'That is me' }).click()
    await band.waitFor({ state: 'detached' })
    window.tell('sign-in.changed', { ...described.signIn, elsewhere })
    await band.filter({ hasText: 'on Windows' }).waitFor()
    expect(await band.innerText()).not.toContain('more place')
  })

  test('a defect of the window leaves a sentence and a way on', async () => {
    const window = await open({ ...inSession, 'local.list': () => ({ ok: true, value: {} }) as never })
    await window.page.getByRole('alert').getByText('Something failed on our side.').waitFor()
    expect(window.errors.length).toBeGreaterThan(0)
  })

  test('the language changes in place, the terminal stays', async () => {
    const window = await openTerminal({ 'settings.change': (part) => ({ ...described.settings, ...part }) as Settings })
    type(window, 'still here')
    await window.page.keyboard.press('Control+k')
    await window.page.getByRole('combobox').fill('francais')
    await window.page.keyboard.press('Enter')
    await window.page.getByRole('button', { name: /Terminer/ }).waitFor()
    expect(await shown(window)).toContain('still here')
    expect(window.inputsOf('terminal.open')).toHaveLength(1)
  })
})

describe('before a first session', () => {
  test('three short steps say what is done and what comes next, and are gone once the keys are certified', async () => {
    const window = await open({ 'keys.status': () => ({ state: 'missing', current: null, waiting: null }) })
    const { page, tell } = window
    const steps = page.getByRole('region', { name: 'Before your first session' }).getByRole('listitem')
    await expect.poll(() => steps.count()).toBe(3)
    expect(await steps.nth(2).getAttribute('aria-current')).toBe('step')
    expect(await steps.nth(2).textContent()).toBe('Make the keys of this computer')
    await page.getByRole('button', { name: 'Make keys' }).click()
    await page.getByText('This computer has no keys yet.').waitFor()
    tell('keys.changed', { state: 'waiting', current: null, waiting: { fingerprint: 'ABCD-EFGH-JKLM-NPQR' } })
    await expect.poll(() => steps.nth(2).textContent()).toBe('Have your security office certify them')
    tell('keys.changed', { state: 'ready', current: { fingerprint: 'ABCD-EFGH-JKLM-NPQR', untilMs: nowMs + 90 * 86_400_000, pin: true }, waiting: null })
    await expect.poll(() => steps.count()).toBe(0)
  })
})

describe('the keys of this computer', () => {
  test('are made behind a PIN that is typed twice, wait under a short fingerprint, and are told as certified by themselves', async () => {
    const waiting = { fingerprint: 'ABCD-EFGH-JKLM-NPQR' }
    let made = false
    const window = await open({
      'keys.status': () => (made ? { state: 'waiting', current: null, waiting } : { state: 'missing', current: null, waiting: null }),
      'keys.create': () => {
        made = true
        window.tell('keys.changed', { state: 'waiting', current: null, waiting })
        return { state: 'waiting', current: null, waiting }
      },
      'keys.request': () => ({ request: '{"payload":"…"}' }),
    })
    const { page, tell } = window
    await page.getByRole('button', { name: 'Settings' }).click()
    await page.getByText('This computer has no keys yet.').waitFor()
    await page.getByLabel('PIN for your support key').fill('739-201')
    await page.getByLabel('PIN once more').fill('739-202')
    await page.getByRole('alert').getByText('The two PINs differ.').waitFor()
    await page.getByLabel('PIN once more').press('Enter')
    expect(window.inputsOf('keys.create')).toEqual([])
    await page.getByLabel('PIN once more').fill('739-201')
    await page.getByLabel('PIN once more').press('Enter')
    await page.getByText(waiting.fingerprint).waitFor()
    expect(window.inputsOf('keys.create')).toEqual([{ pin: '739-201' }])
    await page.getByRole('button', { name: 'Copy the request' }).waitFor()
    expect(await page.getByLabel('PIN for your support key').inputValue()).toBe('')
    tell('keys.changed', { state: 'ready', current: { ...waiting, untilMs: nowMs + 90 * 86_400_000, pin: true }, waiting: null })
    await page.getByText('Certified.').waitFor()
    await page.getByText(waiting.fingerprint).waitFor()
  })
})
