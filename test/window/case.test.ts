import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { asking, colleagues, events, localFiles, ownCase, remoteFiles, session } from './support/fixtures.ts'
import { closeBrowser, type Look, openWindow, type Script, type TestWindow } from './support/open-window.ts'

const opened: TestWindow[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(closeBrowser)

const key = { customerId: ownCase.customerId, number: ownCase.number }
const inSession: Script = {
  'session.list': () => ({ sessions: [session] }),
  'session.activity': () => ({ events, verified: true }),
  'request.list': () => ({ requests: [asking] }),
  'local.list': () => localFiles,
  'remote.list': () => remoteFiles,
  'case.list': () => ({ cases: [ownCase] }),
  'case.colleagues': () => ({ colleagues }),
}
async function openCase(script: Script = {}, look: Look = {}): Promise<TestWindow> {
  const window = await openWindow({ ...inSession, ...script }, look)
  opened.push(window)
  const { page } = window
  await page
    .getByRole('button', { name: look.language === 'fr' ? 'Séances' : 'Sessions' })
    .first()
    .click()
  await page
    .locator('[data-session]')
    .getByRole('button', { name: look.language === 'fr' ? /Dossier 48213/ : /Case 48213/ })
    .click()
  await page.getByRole('dialog').waitFor()
  return window
}

describe('the case of a session (R083, R087)', () => {
  test('is closed after a question that names what ends with it; nothing is sent before', async () => {
    const closed = { by: ownCase.holder, atMs: ownCase.openedMs, resolution: 'Cable seated again' }
    const window = await openCase({ 'case.close': () => ({ ...ownCase, state: 'closed', closed, liveRequests: 0 }) })
    const { page } = window
    await page.getByText('It is with you.').waitFor()
    await page.getByRole('button', { name: 'Close the case' }).click()
    const dialog = page.getByRole('dialog', { name: 'Close case 48213?' })
    await dialog.getByText('your session with CT Emergency (operating system)').waitFor()
    await dialog.getByText('your request to CT Suite 3').waitFor()
    await dialog.getByText('one more request or session of this case').waitFor()
    await dialog.getByRole('button', { name: 'Close and end all of it' }).click()
    await dialog.getByRole('alert').getByText('Write 3 characters at least.').waitFor()
    expect(window.inputsOf('case.close')).toEqual([])
    await dialog.getByRole('textbox', { name: 'What came of it' }).fill('Cable seated\n again ')
    await dialog.getByRole('button', { name: 'Close and end all of it' }).click()
    await page.getByText(/Closed by .*: Cable seated again/).waitFor()
    expect(window.inputsOf('case.close')).toEqual([{ ...key, resolution: 'Cable seated again' }])
    expect(await page.getByRole('button', { name: 'Close the case' }).count()).toBe(0)
    expect(window.errors).toEqual([])
  })

  test('Esc goes back from the question, and closes nothing', async () => {
    const window = await openCase()
    const { page } = window
    await page.getByRole('button', { name: 'Close the case' }).click()
    await page.getByRole('textbox', { name: 'What came of it' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByText('It is with you.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(window.inputsOf('case.close')).toEqual([])
  })

  test('is escalated to a colleague of its device, with the reason', async () => {
    const window = await openCase({ 'case.escalate': () => ({ ...ownCase, held: false, holder: 'Anders Holm' }) })
    const { page } = window
    await page.getByRole('button', { name: 'Escalate', exact: true }).click()
    await page.getByRole('combobox', { name: 'To' }).selectOption({ label: 'Anders Holm, tier 3, US' })
    await page.getByRole('textbox', { name: 'Why' }).fill('The pump needs its maker')
    await page.getByRole('button', { name: 'Escalate the case' }).click()
    await page.getByText('It is with Anders Holm, who alone can escalate or close it.').waitFor()
    expect(window.inputsOf('case.escalate')).toEqual([{ ...key, to: 'aholm', reason: 'The pump needs its maker' }])
  })

  test('of a colleague offers neither; a refusal of the main server stands in its place', async () => {
    const theirs = await openCase({ 'case.list': () => ({ cases: [{ ...ownCase, held: false, holder: 'Anders Holm' }] }) })
    await theirs.page.getByText('It is with Anders Holm').waitFor()
    expect(await theirs.page.getByRole('button', { name: /^(Escalate|Close the case)/ }).count()).toBe(0)
    const gone = await openCase({ 'case.close': () => ({ ok: false, failure: { code: 'case.not-held', details: { holder: 'Anders Holm' } } }) })
    await gone.page.getByRole('button', { name: 'Close the case' }).click()
    await gone.page.getByRole('textbox', { name: 'What came of it' }).fill('All done')
    await gone.page.getByRole('button', { name: 'Close and end all of it' }).click()
    await gone.page.getByText('case.not-held').waitFor()
  })

  test('speaks French', async () => {
    const { page } = await openCase({}, { language: 'fr' })
    await page.getByRole('button', { name: 'Fermer le dossier' }).click()
    await page.getByText('votre séance avec CT Emergency (système)').waitFor()
    await page.getByRole('button', { name: 'Fermer et tout terminer' }).waitFor()
  })
})
