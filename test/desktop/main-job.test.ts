import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Locator, Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAlive } from '../e2e/support/processes.ts'
import { type RunningSandbox, removeSandbox, setPolicy, startSandbox, until } from '../e2e/support/sandbox.ts'
import { absent, host, isShort } from './support/host.ts'
import { type OpenWindow, openWindow, walkSignIn } from './support/open-window.ts'

let sandbox: RunningSandbox
let window: OpenWindow
let page: Page
let device: RunningSandbox['facts']['devices'][number]
let second: RunningSandbox['facts']['devices'][number]
/** Where a request waits in vain while the others go on. */
let unanswered: RunningSandbox['facts']['devices'][number]
const home = mkdtempSync(join(tmpdir(), 'gantry-e2e-home-'))
/** Where the stand-in puts what is dragged out of the window. */
const desktop = mkdtempSync(join(tmpdir(), 'gantry-e2e-desktop-'))

beforeAll(async () => {
  if (absent) return
  sandbox = await startSandbox()
  const [first, next, third] = sandbox.facts.devices
  if (!first || !next || !third) throw new Error('no devices')
  device = first
  second = next
  unanswered = third
  // Its owner lets a question stand for 30 seconds; the agent looks at the file once a second.
  await setPolicy(sandbox, 3, 'answerSeconds=30')
  mkdirSync(join(home, 'fix/deep'), { recursive: true })
  writeFileSync(join(home, 'fix/deep/patch.bin'), Buffer.alloc(500_000, 'gantry'))
  writeFileSync(join(home, 'fix/read me.txt'), 'bonjour')
  window = await openWindow(sandbox, home, { STAND_IN_DESKTOP: desktop })
  page = window.page
})
afterAll(async () => {
  await window?.close()
  await removeSandbox(sandbox)
  for (const folder of [home, desktop]) rmSync(folder, { recursive: true, force: true })
})

type Ask = { device?: string; level: RegExp; caseId?: string }
/** From the list of devices to a request that was signed and sent. */
async function ask({ device: name = device.name, level, caseId = '48213' }: Ask): Promise<void> {
  await page.getByRole('button', { name: 'Devices' }).first().click()
  await page.locator(`[role=row]`, { hasText: name }).first().dblclick()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('radio', { name: level }).check()
  await dialog.getByLabel('Case').fill(caseId)
  await dialog.getByLabel('Reason').fill('Console reacts slowly')
  await dialog.getByRole('button', { name: /Sign and send/ }).click()
}
/** As it is when 16 minutes have gone by since the second factor. */
function letMfaAge(): void {
  const db = new DatabaseSync(join(sandbox.dir, 'main-server/gantry.db'))
  db.exec('pragma busy_timeout = 5000')
  const older = (path: string) => `json_set(payload_json, '${path}', json_extract(payload_json, '${path}') - 960)`
  db.exec(`update oidc_records set payload_json = ${older('$.extra.mfaAt')} where model = 'AccessToken'`)
  db.exec(`update oidc_records set payload_json = ${older('$.authTime')} where model = 'RefreshToken'`)
  db.close()
}
const press = (...argv: string[]) => sandbox.panel(device.id, ...argv)
const panelState = async ({ id } = device) => JSON.parse((await sandbox.panel(id, 'show', '--json')).stdout)
const shownSession = () => page.locator('.ws:not([hidden])')
const terminalText = async () => (await shownSession().locator('.xterm-rows').textContent()) ?? ''
async function type(command: string): Promise<void> {
  await shownSession().locator('.xterm').first().click()
  await page.keyboard.type(command)
  await page.keyboard.press('Enter')
}
async function closeEndedTab(): Promise<void> {
  await shownSession().getByRole('button', { name: 'Close the tab' }).click()
}

describe.skipIf(absent !== '')(`the window in the ${host} host${absent}`, () => {
  test('R073: signs in with password and code in the browser, and shows the four assigned devices', async () => {
    await page.getByRole('button', { name: 'Sign in with your browser' }).click()
    const signIn = await window.signInPage()
    await walkSignIn(signIn, sandbox.facts.specialist)
    await signIn.getByText('You are signed in').waitFor()
    await signIn.close()
    for (const { name } of sandbox.facts.devices) await page.locator('[role=row]', { hasText: name }).first().waitFor()
    expect(await page.getByText('Angio Lab B').count()).toBe(0)
  })

  test.skipIf(host !== 'browser')('the link of the window works once', async () => {
    const link = window.lines()[0]?.link ?? ''
    const stranger = await page.context().browser()?.newContext()
    const answer = await (await stranger?.newPage())?.goto(link)
    expect(answer?.status()).toBe(403)
    await stranger?.close()
  })

  test.skipIf(isShort)('a request can be put aside while nobody answers it', async () => {
    await ask({ device: unanswered.name, level: /Files/ })
    await until('the panel rings', async () => (await panelState(unanswered)).waiting.length > 0 || null, 60_000)
    await page.getByRole('dialog').getByRole('button', { name: 'Put aside' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('R080, R077: asks, shows the code that the panel shows, and opens a terminal once a person has allowed it', async () => {
    await ask({ level: /Operating system/ })
    const { waiting } = await until('the panel rings', async () => {
      const state = await panelState()
      return state.waiting.length > 0 ? state : null
    })
    const digits: string = waiting[0].code
    await until('the same code in the window', async () => {
      const shown = ((await page.getByRole('dialog').textContent()) ?? '').replaceAll(/\s/g, '')
      return shown.includes(digits) || null
    })
    expect((await press('approve', '--code', digits)).code).toBe(0)
    await shownSession().getByRole('timer').waitFor()
    await until('a prompt', async () => /[$#]\s*$/m.test(await terminalText()) || null)
  })

  test('a command is typed and its answer read; the panel sees the same', async () => {
    await type('echo "answer: $((6*7))"')
    await until('the answer', async () => (await terminalText()).includes('answer: 42') || null)
    await type('id -u')
    if (process.getuid?.() === 0) await until('the device’s own user', async () => (await terminalText()).includes('65534') || null)
    expect((await panelState()).sessions).toHaveLength(1)
  })

  test('puts a folder on the device and gets another one, each compared on both ends', async () => {
    const here = shownSession().getByRole('grid', { name: 'Files, This computer' })
    const there = shownSession().getByRole('grid', { name: 'Files, Device' })
    await here.getByRole('row', { name: 'fix' }).click()
    await page.keyboard.press('F5')
    await until('the folder on the device', () => existsSync(join(device.filesRoot, 'fix/deep/patch.bin')) || null)
    await until('it is compared', async () => (await shownSession().getByText('Same on both ends').count()) >= 1 || null)
    expect(readFileSync(join(device.filesRoot, 'fix/deep/patch.bin')).equals(readFileSync(join(home, 'fix/deep/patch.bin')))).toBe(true)
    await there.getByRole('row', { name: 'config' }).click()
    await page.keyboard.press('F5')
    await until('it is compared too', async () => (await shownSession().getByText('Same on both ends').count()) >= 2 || null)
    expect(readFileSync(join(home, 'config/device.ini'), 'utf8')).toBe(readFileSync(join(device.filesRoot, 'config/device.ini'), 'utf8'))
  })

  test.skipIf(host !== 'standin')(
    'a finished download is dragged to the desktop with the mouse, and one of the device that is fetched on the way',
    async () => {
      const drag = async (what: Locator, whileHeld: () => Promise<unknown> = async () => undefined) => {
        const box = await what.boundingBox()
        if (!box) throw new Error('not drawn')
        await page.mouse.move(box.x + 40, box.y + box.height / 2)
        await page.mouse.down()
        for (const way of [4, 12, 40]) await page.mouse.move(box.x + 40 + way, box.y + box.height / 2 + way / 4)
        await whileHeld()
        await page.mouse.up()
      }
      const onDesktop = (name: string) => existsSync(join(desktop, name)) || null
      const finished = shownSession().locator('.queue li', { hasText: 'config' })
      await drag(finished, () => page.waitForTimeout(1_000))
      await until('the folder on the desktop', () => onDesktop('config/device.ini'))
      await drag(shownSession().locator('.files-side.device').getByRole('row', { name: 'fix' }), () => page.waitForTimeout(300))
      await page.getByRole('dialog', { name: 'Replace it?' }).getByRole('button', { name: 'Cancel' }).click()
      const log = shownSession().locator('.files-side.device').getByRole('row', { name: 'logs' })
      await drag(log, () =>
        until('it is here', async () => ((await shownSession().locator('.drag-line').textContent()) === '' && existsSync(join(home, 'logs'))) || null),
      )
      await until('it is on the desktop', () => onDesktop('logs'))
      expect(await page.evaluate("window.api.call('transfer.drag', { transferIds: ['tr-2'] })")).toEqual({ ok: true, value: { started: false } })
      expect(await page.evaluate("window.api.call('transfer.drag', { transferIds: ['tr-1'] })")).toMatchObject({ failure: { code: 'transfer.not-received' } })
      expect(await page.evaluate("window.api.call('transfer.drag', { transferIds: ['/etc/passwd'] })")).toMatchObject({
        failure: { code: 'contract.bad-input' },
      })
    },
  )

  test('the activity shows what was audited, as it happens', async () => {
    const activity = shownSession().locator('.actp')
    await activity.getByText('File sent to the device').first().waitFor()
    await activity.getByText('all verified').waitFor()
  })

  test.skipIf(isShort)('R025: the session lives on while the main server dies and comes back', async () => {
    const { mainServer } = sandbox.facts.pids
    process.kill(mainServer, 'SIGKILL')
    await until('it is gone', () => !isAlive(mainServer) || null)
    await type('echo still $((40+2))')
    await until('the answer', async () => (await terminalText()).includes('still 42') || null)
    await until('the main server is back', () => sandbox.stderr().includes('main-server is back') || null)
    await page.getByRole('button', { name: 'Devices' }).first().click()
    await page.locator('[role=row]', { hasText: device.name }).first().waitFor()
    await page.getByRole('button', { name: 'Sessions' }).first().click()
    await type('echo again $((40+2))')
    await until('the answer', async () => (await terminalText()).includes('again 42') || null)
  })

  test.skipIf(isShort)('R065: a second factor that is too old is asked for again, the request goes on by itself, and the open session stays', async () => {
    letMfaAge()
    await ask({ device: second.name, level: /Operating system/ })
    await page.getByRole('dialog', { name: 'Confirm that it is you' }).waitFor()
    const signIn = await window.signInPage()
    await walkSignIn(signIn, sandbox.facts.specialist)
    await signIn.getByText('You are signed in').waitFor()
    await signIn.close()
    await until('the panel rings', async () => (await panelState(second)).waiting.length > 0 || null, 60_000)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the request' }).click()
    await page.getByRole('dialog').getByRole('heading', { name: 'Cancelled' }).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: /Close/ }).first().click()
    await page.getByRole('button', { name: 'Sessions' }).first().click()
    await type('echo meanwhile $((40+2))')
    await until('the answer', async () => (await terminalText()).includes('meanwhile 42') || null)
  })

  test('ended at the panel: the window says so within a second', async () => {
    expect((await press('end')).code).toBe(0)
    await page.getByRole('heading', { name: 'The person at the device ended the session' }).waitFor({ timeout: 5_000 })
    await closeEndedTab()
  })

  test.skipIf(isShort)('refused at the panel: the request says so and can be asked again', async () => {
    await ask({ level: /Files/ })
    expect((await press('refuse', '--next', '--timeout', '30')).code).toBe(0)
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('heading', { name: 'Refused' }).waitFor()
    await dialog.getByRole('button', { name: /Close/ }).first().click()
  })

  test.skipIf(isShort)('R080: a wrong code typed at the panel ends the request', async () => {
    await ask({ level: /Files/ })
    const { waiting } = await until('the panel rings', async () => {
      const state = await panelState()
      return state.waiting.length > 0 ? state : null
    })
    expect((await press('approve', '--code', waiting[0].code === '111111' ? '222222' : '111111')).code).toBe(3)
    const dialog = page.getByRole('dialog')
    await dialog
      .getByText(/matching code/i)
      .first()
      .waitFor()
    await dialog.getByRole('heading', { name: 'Refused' }).waitFor()
    await dialog.getByRole('button', { name: /Close/ }).first().click()
  })

  test.skipIf(isShort)('cancelled in the window: the panel stops asking', async () => {
    await ask({ level: /Files/ })
    await until('the panel rings', async () => (await panelState()).waiting.length > 0 || null)
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the request' }).click()
    await until('the panel stops', async () => (await panelState()).waiting.length === 0 || null)
    await page.getByRole('dialog').getByRole('heading', { name: 'Cancelled' }).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: /Close/ }).first().click()
  })

  test.skipIf(isShort)('a sign-in that is over is told, and signing in again goes on where one was', async () => {
    expect((await sandbox.gantry('sign-out')).code).toBe(0)
    await page
      .getByText(/sign-in is over/i)
      .first()
      .waitFor({ timeout: 45_000 })
    await page
      .getByRole('button', { name: /Sign in/ })
      .first()
      .click()
    const signIn = await window.signInPage()
    await walkSignIn(signIn, sandbox.facts.specialist)
    await signIn.getByText('You are signed in').waitFor()
    await page.getByRole('button', { name: 'Devices' }).first().click()
    await page.locator('[role=row]', { hasText: device.name }).first().waitFor()
  })

  test.skipIf(isShort)('nobody answered: after the time that the device’s owner gives the request is over by itself, at both ends', async () => {
    await until('the panel has given up', async () => (await panelState(unanswered)).waiting.length === 0 || null, 140_000)
    await page.getByRole('button', { name: 'History' }).first().click()
    const row = page.locator('tr, [role=row]', { hasText: unanswered.name }).first()
    await row
      .getByText(/Refused|Ran out of time|Nobody answered/)
      .first()
      .waitFor()
    expect((await panelState(unanswered)).last).toMatchObject({ outcome: 'no-answer' })
  })

  test.skipIf(isShort)('R117: the whole window speaks French at once', async () => {
    await page.getByRole('button', { name: 'Settings' }).first().click()
    await page.getByText('Français').first().click()
    await page.getByRole('button', { name: 'Appareils' }).first().waitFor()
  })
})
