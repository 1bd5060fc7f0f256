import type { PanelInput, PanelState } from '@gantry/shared/panel.ts'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBrowser } from '../../sandbox/browser.ts'
import type { PanelView } from '../../sandbox/panel-desk.ts'
import { endingDrawing } from '../support/hostile-terminal/broken.ts'
import { corpus } from '../support/hostile-terminal/corpus.ts'
import { openPanelPage, type PanelPage } from '../support/panel-page.ts'

/** The built page of the front panel, as the sandbox serves it, in a browser; what it shows is told by hand. */
let browser: Browser
let page: Page
let panel: PanelPage
let view: PanelView
let pressed: PanelInput[]
const errors: string[] = []
const requestId = `req_${'a'.repeat(20)}` as PanelState['waiting'][number]['requestId']

beforeAll(async () => {
  panel = await openPanelPage()
  ;({ view, pressed } = panel)
  browser = await chromium.launch({ executablePath: findBrowser() ?? '', args: ['--no-sandbox', '--disable-gpu'] })
  page = await browser.newPage({ viewport: { width: 1280, height: 800 }, locale: 'en-CA' })
  // A browser asks every origin for /favicon.ico by itself.
  page.on('console', (message) => message.type() === 'error' && !message.location().url.endsWith('/favicon.ico') && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  await page.goto(panel.link())
})
afterAll(async () => {
  await browser?.close()
  await panel?.close()
})

const asked = (code: string | null) => ({
  requestId,
  specialist: 'Elena Marchetti-Roy',
  employer: 'Norvane support',
  country: 'CA',
  access: 'os' as const,
  serviceKind: 'support' as const,
  reason: 'Console reacts slowly <b>now</b>',
  caseId: '48213',
  minutes: 30,
  maxBytes: null,
  code,
  triesLeft: 3,
  askedMs: Date.now(),
  answerBeforeMs: Date.now() + 120_000,
})

describe('the front panel’s page', () => {
  test('R119: says who asks, from where, why, for what and how long, and shows the code to compare', async () => {
    panel.show({ waiting: [asked('482917')] })
    for (const text of ['Elena Marchetti-Roy', 'Norvane support', '48213', '30 minutes', '482', '917']) await page.getByText(text).first().waitFor()
    await page.getByText('Console reacts slowly <b>now</b>').waitFor()
  })

  test('Allow and Refuse are told as pressed, with the code that was compared', async () => {
    await page.getByRole('button', { name: /Allow/ }).click()
    await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toMatchObject({ type: 'answer', requestId, allow: true })
    panel.show({})
    panel.show({ waiting: [asked('482917')] })
    await page.getByRole('button', { name: /Refuse/ }).click()
    await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toMatchObject({ type: 'answer', requestId, allow: false })
  })

  test('R080: where the code must be typed there is a keypad, and Allow sends what was typed', async () => {
    panel.show({})
    panel.show({ waiting: [asked(null)] })
    for (const digit of '482917') await page.getByRole('button', { name: digit, exact: true }).click()
    await page.getByRole('button', { name: /Allow/ }).click()
    await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toMatchObject({ type: 'answer', allow: true, code: '482917' })
  })

  test('R017: the network can be checked from it: what passes, what to ask for, and the check stops when told', async () => {
    const hop = (name: 'tcp' | 'tls' | 'upgrade', verdict: 'waiting' | 'passes' | 'fails') => ({ hop: name, verdict, trouble: null })
    const place = { purpose: 'access-server' as const, name: 'access-1', host: 'access.example', addresses: [], site: 'East', port: 443 }
    const host = { ...place, found: [], needed: true }
    const check = {
      version: 1,
      madeAt: new Date().toISOString(),
      device: 'CT Suite 3',
      proxy: null,
      clock: { verdict: 'waiting', offsetSeconds: null },
    } as const
    panel.show({})
    await page.getByRole('button', { name: 'Check the network' }).click()
    await expect.poll(() => pressed.at(-1)).toEqual({ type: 'check', run: true })
    panel.show({ check: { ...check, verdict: 'running', hosts: [{ ...host, hops: [hop('tcp', 'passes'), hop('tls', 'waiting')] }] } })
    await page.getByText('Connection passes · Identity waits').waitFor()
    await page.getByRole('button', { name: 'Stop the check' }).click()
    await expect.poll(() => pressed.at(-1)).toEqual({ type: 'check', run: false })
    const trouble = { code: 'intercepted', details: { host: 'access.example', issuer: 'Riverside <b>Gateway</b>' } } as const
    const failed = { ...hop('tls', 'fails'), trouble }
    panel.show({ check: { ...check, verdict: 'closed', hosts: [{ ...host, hops: [hop('tcp', 'passes'), failed] }] } })
    await page.getByText('Please exempt access.example from TLS inspection (it is done by “Riverside <b>Gateway</b>”)').waitFor()
    await page.getByRole('button', { name: 'Done' }).waitFor()
    panel.show({})
  })

  test('a live session shows its terminal and its files, and End is in reach', async () => {
    const session = {
      requestId,
      specialist: 'Elena Marchetti-Roy',
      access: 'os',
      reason: 'r',
      caseId: '48213',
      startedMs: Date.now(),
      endsMs: Date.now() + 1_800_000,
      approvedBy: 'person',
    }
    const moves = [{ id: 1, kind: 'sent', text: '/updates/fix.bin', bytes: 12_345, done: true, atMs: Date.now() }]
    panel.show({ sessions: [{ ...session, moves }] } as Partial<PanelState>)
    view.show({ type: 'output', requestId, terminal: 1, data: Buffer.from('$ uname\r\nLinux\r\n').toString('base64') })
    await page.getByText('fix.bin').first().waitFor()
    await page.getByText('uname').first().waitFor()
    await page.getByRole('button', { name: /End/ }).first().click()
    await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toEqual({ type: 'end', requestId })
  })

  test('whatever a device prints there, End stays in reach (D19)', async () => {
    for (const [, octets] of corpus.flatMap(({ sequences }) => sequences)) {
      view.show({ type: 'output', requestId, terminal: 1, data: Buffer.from(octets as string).toString('base64') })
    }
    view.show({ type: 'output', requestId, terminal: 2, data: Buffer.from('still here').toString('base64') })
    await page.getByText('still here').first().waitFor()
    pressed.length = 0
    await page.getByRole('button', { name: /End/ }).first().click()
    await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toEqual({ type: 'end', requestId })
  })

  test('nothing that is printed keeps what comes after it from being seen (D19)', async () => {
    for (const [at, [, octets]] of endingDrawing.sequences.entries()) {
      const terminal = 10 + at
      const size = { columns: 80, rows: 24 }
      view.show({ type: 'output', requestId, terminal, data: Buffer.from(octets as string).toString('base64'), size })
      view.show({ type: 'output', requestId, terminal, data: Buffer.from(`\u001b[Hcommand ${at} after it`).toString('base64') })
      await page.getByText(`command ${at} after it`).first().waitFor()
    }
  })

  test('more time is asked for over a live session: Allow and No are told as pressed, and End stays in reach', async () => {
    const base = { requestId, specialist: 'Elena Marchetti-Roy', access: 'os', reason: 'r', caseId: '48213', approvedBy: 'person', moves: [] }
    const session = { ...base, startedMs: Date.now(), endsMs: Date.now() + 300_000, used: { bytes: 38_200_000, maxBytes: 200_000_000 } }
    const asksTime = () => ({ minutes: 15, askedMs: Date.now(), answerBeforeMs: Date.now() + 120_000 })
    for (const [name, allow] of [
      ['Allow 15 minutes', true],
      ['No', false],
    ] as const) {
      panel.show({ sessions: [{ ...session, asksTime: asksTime() }] } as unknown as Partial<PanelState>)
      await page.getByText('Elena Marchetti-Roy asks for 15 more minutes.').waitFor()
      await page.getByText('38.2 MB of 200 MB moved').waitFor()
      await page.getByRole('button', { name: /End/ }).first().waitFor()
      await page.getByRole('button', { name, exact: true }).click()
      await expect.poll(() => pressed.at(-1), { timeout: 10_000 }).toEqual({ type: 'time', requestId, allow })
      panel.show({ sessions: [{ ...session, asksTime: null }] } as unknown as Partial<PanelState>)
      await page.getByText('asks for 15 more minutes').waitFor({ state: 'hidden' })
    }
  })

  test('R117: in French at a touch; the content policy was never in the way', async () => {
    await page.getByRole('button', { name: 'Français' }).first().click()
    await page
      .getByRole('button', { name: /Terminer|Fin|Arrêter/ })
      .first()
      .waitFor()
    expect(errors).toEqual([])
  })
})
