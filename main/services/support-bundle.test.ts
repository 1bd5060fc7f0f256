import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RequestProgress, SessionView, Transfer } from '@gantry/shared/ipc.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { openClientLog } from './client-log.ts'
import { defaultSettings } from './settings.ts'
import { writeSupportBundle } from './support-bundle.ts'

/** Each stands where such a thing stands in an app that is used: a patient, a person, a place, a file, a secret, words that were typed. */
const canary = (what: string) => `CANARY-${what}`
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

const device = { id: 'dev_aaaaaaaaaaaa', name: canary('device'), site: canary('site') }
const failure = { code: 'file.failed', details: { path: `/var/nv/${canary('patient')}.dcm`, host: canary('host') } }
const request = {
  ...{
    requestId: 'req_aaaaaaaaaaaa',
    device,
    access: 'os',
    serviceKind: 'support',
    reason: canary('reason'),
    caseId: canary('case'),
    minutes: 60,
    state: 'asking',
  },
  steps: [{ name: 'signed', atMs: 1 }],
  ...{ contact: null, code: '482917', typed: true, answerBeforeMs: null, passed: [], accessServer: { name: canary('server'), site: canary('place') }, failure },
} as unknown as RequestProgress
const session = {
  ...{ requestId: 'req_aaaaaaaaaaaa', device, access: 'os', caseId: canary('case'), state: 'open', startedMs: 1, endsMs: 2, used: null, asksMinutes: null },
  ...{ endedMs: null, endCause: null, failure, approvedBy: 'person', accessServer: { name: canary('server'), site: canary('place') } },
  ...{ network: { state: 'interrupted', standby: false, sinceMs: 1, failure }, user: canary('user'), separated: true, reach: 'none', auditVerified: true },
} as unknown as SessionView
const transfer = {
  ...{ id: 'tr-1', requestId: 'req_aaaaaaaaaaaa', direction: 'get', name: canary('name'), from: canary('from'), to: canary('to'), state: 'failed' },
  ...{ bytes: 1, totalBytes: 2, files: 1, filesDone: 0, bytesPerSecond: 0, verified: false, failure },
} as unknown as Transfer

async function bundled() {
  const profileDir = await mkdtemp(join(tmpdir(), 'bundle-'))
  folders.push(profileDir)
  const { log, path: logPath, close } = openClientLog(profileDir, 'desktop')
  log.warn('a call came to nothing', { call: 'device.list', code: 'server.unreachable', reference: 'K7QF2M' })
  log.error('call failed', { name: 'remote.list', error: `ENOENT: /home/${canary('home')}/x\n    at ${canary('stack')}` })
  log.error(`could not read ${canary('message')}`, { code: canary('code with spaces') })
  log.info('a secret', { code: `eyJ${canary('token')}.${'x'.repeat(80)}`, pin: canary('pin') })
  close()
  await writeFile(logPath, `${await readFile(logPath, 'utf8')}Marie ${canary('line')}\n{"${canary('json')}":1}\n`)
  const person = {
    id: 'spc_a',
    username: canary('username'),
    name: canary('specialist'),
    employer: canary('employer'),
    country: 'CA',
    city: canary('city'),
    tier: 3,
  }
  const { path } = await writeSupportBundle({
    settings: {
      read: () => ({ ...defaultSettings, favourites: ['dev_bbbbbbbbbbbb' as never], savedViews: [{ name: canary('view'), query: canary('query') }] }),
      change: async () => defaultSettings,
    },
    signIn: {
      state: () =>
        ({
          ...{ phase: 'signed-in', link: `https://gantry.example/?${canary('link')}`, confirming: null, specialist: person, failure, secretStore: 'keychain' },
          supportContacts: [{ region: canary('region'), phone: canary('phone'), mail: canary('mail') }],
        }) as never,
    },
    keys: { status: async () => ({ state: 'ready', current: { fingerprint: canary('fingerprint'), untilMs: 1, pin: true }, waiting: null }) },
    requests: { list: () => [request] },
    sessions: { list: () => [session] },
    transfers: { list: () => [transfer] },
    audit: { path: '', verify: async () => ({ stores: [{ path: `/home/${canary('profile')}/audit.jsonl`, ok: true, events: 12, fault: null }] }) },
    options: { about: { version: '0.1.0', host: 'electron', hostReason: canary('why'), sandbox: false }, profileDir, party: 'desktop' },
    logPath,
    now: () => Date.parse('2026-11-20T19:05:20Z'),
  } as never)
  return { path, text: await readFile(path, 'utf8') }
}

describe('the file for support', () => {
  test('holds no secret, no patient, no name, nothing that was typed or shown', async () => {
    const { text } = await bundled()
    expect(text.match(/.*CANARY.*/g) ?? []).toEqual([])
    expect(text).not.toMatch(/482917|dev_bbbbbbbbbbbb|Marie|eyJ/)
  })

  test('holds what a fault is found by: states, codes, times, and the log line of a reference', async () => {
    const { text, path } = await bundled()
    expect(JSON.parse(text)).toMatchObject({
      app: { version: '0.1.0', host: 'electron' },
      signIn: { phase: 'signed-in', failure: 'file.failed' },
      sessions: [{ requestId: 'req_aaaaaaaaaaaa', link: { state: 'interrupted', failure: 'file.failed' } }],
      transfers: [{ state: 'failed', failure: 'file.failed' }],
      audit: [{ ok: true, events: 12, fault: null }],
    })
    expect(text).toContain('K7QF2M')
    expect(text).toContain('a call came to nothing')
    expect(text).toContain('\\"error\\":\\"withheld\\"')
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600)
  })
})
