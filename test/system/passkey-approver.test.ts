import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadPolicy } from '../../agent/access/policy-file.ts'
import { approvalFile, approvalsIn, waitingFile } from '../../agent/access/second-key.ts'
import { findBrowser } from '../../sandbox/browser.ts'
import { makeKeyFile } from '../../shared/node/key-file.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import { type Case, makeCase, World } from '../support/access-world.ts'
import { createDeviceFolder, type DeviceFolder } from '../support/device.ts'
import { addAuthenticator } from '../support/virtual-authenticator.ts'

// R062, threat T3: a hospital's passkey from its making to the request that it lets in, with the customer's tool as it is started by hand, a real browser and its authenticator.

const passphrase = 'a long passphrase'
let browser: Browser
let device: DeviceFolder
let config: string
let key: string
beforeAll(async () => {
  browser = await chromium.launch({ executablePath: findBrowser() ?? '', args: ['--no-sandbox', '--disable-gpu'] })
})
afterAll(() => browser?.close())
const running = new Set<ChildProcess>()
beforeEach(async () => {
  device = createDeviceFolder({ origin: 'https://main.example', ca: '', authorityKey: generateSigningKey().publicJwk })
  mkdirSync(device.config.stateDir, { recursive: true })
  ;[config, key] = [join(device.folder, 'device.json'), join(device.folder, 'key.json')]
  writeFileSync(config, JSON.stringify(device.config))
  writeFileSync(key, JSON.stringify((await makeKeyFile('policy', passphrase, 2 ** 14)).file))
})
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  device.remove()
})

function policy(...argv: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../agent/main.ts'), 'policy', ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
  running.add(child)
  child.stdin.end(`${passphrase}\n`)
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    told += chunk
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const stdout = text(child.stdout)
  const url = async () => {
    await expect.poll(() => told).toMatch(/http:\S+\n/)
    return /http:\S+/.exec(told)?.[0] ?? ''
  }
  return { url, end: async () => ({ code: await code, stdout: await stdout, stderr: told }) }
}

async function sitDown(locale = 'en-CA'): Promise<{ page: Page; errors: string[] }> {
  const page = await (await browser.newContext({ locale })).newPage()
  const errors: string[] = []
  page.on('console', (message) => message.type() === 'error' && !message.location().url.endsWith('/favicon.ico') && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  await addAuthenticator(page)
  return { page, errors }
}

async function makePasskey(page: Page, ...argv: string[]): Promise<string> {
  const making = policy('passkey', '--port', '0', ...argv)
  await page.goto(await making.url())
  await page.locator('button').click()
  const { code, stdout } = await making.end()
  expect(code).toBe(0)
  return stdout.trim()
}
/** A device that goes by the policy which was signed here, with a request that came in. */
async function waitingDevice(approvers: string[]): Promise<{ world: World; one: Case; folder: string }> {
  const rules = 'rules={"diagnostics":"allow","files":"allow","application":"allow","os":"allow"}'
  const { code } = await policy('set', '--config', config, '--key', key, rules, `approvers=[${approvers.join()}]`).end()
  expect(code).toBe(0)
  const one = await makeCase(true)
  const world = new World()
  world.approvals = approvalsIn(device.config.policyFile)
  world.policy = loadPolicy({ path: device.config.policyFile, stateDir: device.config.stateDir, deviceId: () => null, onLost: () => {} }).policy
  world.requests = world.start()
  await world.requests.receive(one.delivery)
  await expect.poll(() => existsSync(waitingFile(world.approvals, one.request.id))).toBe(true)
  return { world, one, folder: world.approvals }
}
const look = async (world: World) => {
  await world.clock.advance(250)
  return world.opened.length
}

test('a passkey is made, shown, pinned and signed into the policy, and lets in the request that its page showed, and no other', async () => {
  const { page, errors } = await sitDown()
  const approver = await makePasskey(page)
  const { world, one, folder } = await waitingDevice([approver])
  const { stdout } = await policy('show', '--config', config).end()
  expect(JSON.parse(stdout).policy.approvers).toEqual([JSON.parse(approver)])
  expect(await look(world)).toBe(0)

  const approving = policy('approve', '--config', config, '--passkey', one.request.id)
  await page.goto(await approving.url())
  const shown = await page.locator('main').innerText()
  for (const fact of ['Elena', one.request.reason, one.request.caseId, String(one.request.minutes), 'Use the operating system']) expect(shown).toContain(fact)
  expect(existsSync(approvalFile(folder, one.request.id))).toBe(false)
  await page.getByRole('button', { name: 'Approve with a passkey' }).click()
  await page.getByText('You can close this page').waitFor()
  expect(await approving.end()).toMatchObject({ code: 0, stdout: expect.stringContaining(one.request.id) })
  await expect.poll(() => look(world)).toBe(1)
  expect(world.opened).toEqual([one.request.id])
  expect(world.events).toContainEqual(expect.objectContaining({ kind: 'access.countersigned' }))
  expect(readdirSync(folder)).toEqual([])
  expect(errors).toEqual([])
})

test('another passkey of the same browser signs nothing, in French too, nor does a form that was sent without one', async () => {
  const { page } = await sitDown('fr-CA')
  const approver = await makePasskey(page, '--language', 'fr')
  const { one, folder } = await waitingDevice([approver])
  const stranger = await sitDown('fr-CA')
  const approving = policy('approve', '--config', config, '--passkey', '--language', 'fr', one.request.id)
  await stranger.page.goto(await approving.url())
  await stranger.page.getByRole('button', { name: 'Approuver avec une clé d’accès' }).click()
  await stranger.page.getByText('Aucune clé d’accès n’a servi.').waitFor()
  await stranger.page.evaluate("document.querySelector('form').submit()")
  await stranger.page.getByText('Rien n’a été signé').first().waitFor()
  expect(await approving.end()).toMatchObject({ code: 3, stdout: '' })
  expect(readdirSync(folder)).toEqual([`${one.request.id}.json`])
})

test('the page is for this computer’s browser alone: its name, its way, its origin, once', async () => {
  const making = policy('passkey', '--port', '0')
  const url = new URL(await making.url())
  const ask = (path: string, headers: Record<string, string>, method = 'GET') =>
    new Promise<{ status: number | undefined; policy: string }>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: url.port, path, method, headers }, (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode, policy: String(answer.headers['content-security-policy']) })
      })
      sent.on('error', reject).end(method === 'POST' ? 'answer=x' : undefined)
    })
  const host = url.host
  expect(await ask(url.pathname, { host })).toMatchObject({
    status: 200,
    policy: expect.stringMatching(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-/),
  })
  expect((await ask(url.pathname, { host: `rebound.example:${url.port}` })).status).toBe(404)
  expect((await ask(url.pathname, { host: `127.0.0.1:${url.port}` })).status).toBe(404)
  expect((await ask('/', { host })).status).toBe(404)
  expect((await ask(url.pathname, { host }, 'POST')).status).toBe(403)
  expect((await ask(url.pathname, { host, origin: 'https://example.org' }, 'POST')).status).toBe(403)
  // An answer, good or not, is the last.
  expect((await ask(url.pathname, { host, origin: url.origin }, 'POST')).status).toBe(403)
  expect(await making.end()).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('policy.passkey-refused') })
  await expect(ask(url.pathname, { host })).rejects.toThrow()
})
