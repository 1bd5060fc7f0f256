import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser } from '../../sandbox/browser.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { authorization } from '../support/sign-in-browser.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

// R065, R066: a passkey from its making to its use, with a real browser, its own authenticator, and the page's one script under its policy.

let server: TestServer
let browser: Browser
beforeAll(async () => {
  server = await createTestServer({ publicHost: 'localhost' })
  browser = await chromium.launch({
    executablePath: findBrowser() ?? '',
    args: ['--no-sandbox', '--disable-gpu', '--ignore-certificate-errors'],
  })
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

type Person = { page: Page; errors: string[] }

/** A browser that nobody has used, with an authenticator that is part of its computer. */
async function sitDown(locale = 'en-CA'): Promise<Person> {
  const page = await (await browser.newContext({ locale })).newPage()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  // The client's own listener, which this test has not.
  await page.route('http://127.0.0.1:49152/**', (route) => route.fulfill({ body: 'back at the client' }))
  await addAuthenticator(page)
  return { page, errors }
}

async function givePassword({ page }: Person): Promise<void> {
  server.clock.aheadMs += 60_000
  const { username, password } = server.people.elena
  await page.goto(authorization(server.origin).url)
  await page.locator('[name=username]').fill(username)
  await page.locator('[name=password]').fill(password)
  await page.locator('button').click()
  await page.locator('[name=code]').waitFor()
}

async function giveCode({ page }: Person): Promise<void> {
  await page.locator('[name=code]').fill(server.codeFor(server.people.elena))
  await page.locator('form:has([name=code]) button').click()
}

describe('a passkey in a browser', () => {
  test('is made after a sign-in by code, and signs in the next time, with the keyboard alone', async () => {
    const person = await sitDown()
    const { page, errors } = person
    await givePassword(person)
    await page.getByRole('link', { name: 'Add or remove passkeys after this' }).click()
    await giveCode(person)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('on one device only').waitFor()
    await page.getByRole('button', { name: 'Finish signing in' }).click()
    await page.getByText('back at the client').waitFor()

    await givePassword(person)
    await page.locator('button:focus').waitFor()
    await page.keyboard.press('Enter')
    await page.getByText('back at the client').waitFor()
    expect(errors).toEqual([])
  })

  test('that cannot be used says so in the person’s language, and the code still signs in', async () => {
    const person = await sitDown('fr-CA')
    const { page } = person
    await givePassword(person)
    // This browser holds no passkey of hers.
    await page.getByRole('button', { name: 'Utiliser une clé d’accès' }).click()
    await page.getByText('Aucune clé d’accès n’a servi.').waitFor()
    await giveCode(person)
    await page.getByText('back at the client').waitFor()
  })
})
