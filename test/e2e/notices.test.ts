import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Seed } from '../../cloud/main-server/seed.ts'
import { createCa } from '../../shared/node/certificates.ts'
import { firstCustomer } from '../support/directory.ts'
import { type MailServer, openMailServer } from '../support/mail-server.ts'
import { ask, form } from '../support/sign-in-browser.ts'
import { processesOf } from './support/processes.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox, until } from './support/sandbox.ts'

/** A customer whose contact must accept each session, in a sandbox whose main server has a mail server (R084, D16). */
let sandbox: RunningSandbox
let device: RunningSandbox['facts']['devices'][number]
let mail: MailServer
const folder = mkdtempSync(join(tmpdir(), 'gantry-e2e-notices-'))
const contacts = ['reseau@riviere.example', 'pavillon-c@riviere.example']

beforeAll(async () => {
  const ca = await createCa('Mail')
  mail = await openMailServer(ca)
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, ca.certificatePem)
  sandbox = await startSandbox(newStateFolder(), ...oneDevice)
  const [first] = sandbox.facts.devices
  if (!first) throw new Error('no device')
  device = first
  edit<Seed>('seed', (seed) => {
    firstCustomer(seed).origins = [{ country: 'CA', tiers: [3], onEscalation: false, notice: 'accepted' }]
    firstCustomer(seed).notices = { language: 'fr', mail: contacts, webhook: null }
  })
  const settings = { host: '127.0.0.1', port: mail.port, tls: 'implicit', from: 'gantry@norvane.example', caFile }
  edit<{ notices?: unknown }>('main-server', (config) => {
    config.notices = { mail: settings }
  })
  const before = mainServer()
  process.kill(before, 'SIGKILL')
  await until('another main server', () => ![0, before].includes(mainServer()) || null)
  await until('to be signed in', async () => (await sandbox.gantry('sign-in')).code === 0 || null)
})
afterAll(async () => {
  await removeSandbox(sandbox)
  await mail.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The file that a part of the sandbox was started with. */
function edit<T>(name: string, change: (config: T) => void): void {
  const path = join(sandbox.dir, `sandbox/configs/${name}.json`)
  const config = JSON.parse(readFileSync(path, 'utf8'))
  change(config)
  writeFileSync(path, JSON.stringify(config))
}
const mainServer = () => processesOf(sandbox.dir).find(({ command }) => command.includes('cloud/main-server/main.ts'))?.pid ?? 0
const panel = async () => JSON.parse((await sandbox.panel(device.id, 'show', '--json')).stdout)
const connect = (number: string) => sandbox.startGantry('connect', device.id, '--access', 'os', '--reason', 'SYNTHETIC reason', '--case', number)
/** One for each contact. */
const links = (number: string) =>
  until('both mails', () => {
    const found = mail.mails.filter(({ text }) => text.includes(number)).map(({ text }) => /https:\S+/.exec(text)?.[0] ?? '')
    return found.length === contacts.length ? found : null
  })
const answer = (link: string, said: 'accept' | 'refuse') => ask(link, readFileSync(sandbox.facts.ca, 'utf8'), form({ answer: said }))

describe('a contact outside the device (R084, D16)', () => {
  test('is asked before anything rings; after a yes the device asks, and a no ends the session within 5 s', async () => {
    const running = connect('70001')
    const [yes = '', no = ''] = await links('70001')
    expect((await panel()).waiting).toEqual([])
    expect(running.stderr()).toContain('waiting for the customer’s contact, who must accept')
    const [first] = mail.mails
    expect(first?.text).toContain('Elena Marchetti-Roy')
    expect(first?.text).not.toContain('SYNTHETIC')

    expect((await answer(yes, 'accept')).status).toBe(200)
    expect((await sandbox.panel(device.id, 'approve', '--next', '--timeout', '40')).code).toBe(0)
    running.child.stdin?.write('echo in-$((20+3))\n')
    await until('the terminal', () => running.stdout().includes('in-23'), 30_000)

    const refusedAt = Date.now()
    expect((await answer(no, 'refuse')).status).toBe(200)
    const { code, stderr } = await running.done
    expect(Date.now() - refusedAt).toBeLessThan(5_000)
    expect([code, stderr]).toEqual([3, expect.stringContaining('the permission was withdrawn')])
    await until('the panel shows no session', async () => (await panel()).sessions.length === 0 || null, 5_000)
  })

  test('who refuses first leaves the device untouched: it has not heard of the request', async () => {
    const running = connect('70002')
    const [no = ''] = await links('70002')
    expect((await answer(no, 'refuse')).status).toBe(200)
    const { code, stderr } = await running.done
    expect([code, stderr]).toEqual([3, expect.stringContaining('(access.contact-refused)')])
    const events = (path: string) =>
      readFileSync(join(sandbox.dir, path, 'audit.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event)
    const asked = events('main-server').find(({ kind, data }) => kind === 'access.requested' && data.caseId === '70002')
    expect(events('devices/1/agent').filter(({ kind, requestId }) => requestId === asked.requestId && kind.startsWith('access.picked'))).toEqual([])
    expect(
      events('main-server')
        .filter(({ requestId }) => requestId === asked.requestId)
        .map(({ kind }) => kind),
    ).toContain('notice.answered')
  })
})
