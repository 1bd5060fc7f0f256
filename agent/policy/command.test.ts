import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defaultPolicy } from '../../shared/device-policy.ts'
import { newId } from '../../shared/ids.ts'
import { makeKeyFile } from '../../shared/node/key-file.ts'
import { generateSigningKey, sha256, thumbprint, verifyJws } from '../../shared/node/signing.ts'
import { makeCase } from '../../test/support/access-world.ts'
import { createDeviceFolder, type DeviceFolder } from '../../test/support/device.ts'
import { loadPolicy } from '../access/policy-file.ts'
import { ApprovalPayload, approvalFile, approvalsIn, waitingFile } from '../access/second-key.ts'
import { withSettings } from './settings.ts'

/** The customer's tool, as somebody types it at the device. */
let device: DeviceFolder
let config: string
let key: string
const passphrase = 'a long passphrase'

beforeEach(async () => {
  device = createDeviceFolder({ origin: 'https://main.example', ca: '', authorityKey: generateSigningKey().publicJwk })
  mkdirSync(device.config.stateDir, { recursive: true })
  config = join(device.folder, 'device.json')
  key = join(device.folder, 'key.json')
  writeFileSync(config, JSON.stringify(device.config))
  writeFileSync(key, JSON.stringify((await makeKeyFile('policy', passphrase, 2 ** 14)).file))
})
afterEach(() => device.remove())

async function policy(argv: string[], input = `${passphrase}\n`) {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts'), 'policy', ...argv], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), exit])
  return { stdout, stderr, code }
}
const set = (...settings: string[]) => policy(['set', '--config', config, '--key', key, ...settings])
/** As the device's agent does. */
const load = () => loadPolicy({ path: device.config.policyFile, stateDir: device.config.stateDir, deviceId: () => null, onLost: () => {} })

describe('gantry-agent policy (R047)', () => {
  test('sets what is named, signs it, and the device goes by it; the next one builds on it', async () => {
    const first = await set('rules.os=deny', 'countries=["CA"]', 'hours={"open":[{"from":"08:00","until":"17:00"}]}')
    expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('Signed as no.') })
    expect(load()).toMatchObject({ from: 'file', serial: JSON.parse(first.stdout).serial, policy: { rules: { os: 'deny', files: 'ask' }, countries: ['CA'] } })
    expect((await set('requestsPerHour=1')).code).toBe(0)
    expect(load()).toMatchObject({ from: 'file', policy: { requestsPerHour: 1, rules: { os: 'deny' }, hours: { timeZone: null } } })
    const { stdout, code } = await policy(['show', '--config', config])
    expect(JSON.parse(stdout)).toMatchObject({ fault: null, policy: { requestsPerHour: 1 } })
    expect(code).toBe(0)
  })

  test('lists what waits for the second key, and signs that one and nothing else, after the passphrase (T3)', async () => {
    const folder = approvalsIn(device.config.policyFile)
    const { request, delivery } = await makeCase(true)
    mkdirSync(folder, { recursive: true })
    const waiting = { version: 1, payload: delivery.request.payload, name: 'Elena Marchetti', employer: 'Example Service' } as const
    writeFileSync(waitingFile(folder, request.id), JSON.stringify(waiting))
    const listed = await policy(['approve', '--config', config])
    expect([listed.code, JSON.parse(listed.stdout)]).toMatchObject([
      0,
      [{ id: request.id, access: request.access, reason: request.reason, name: 'Elena Marchetti' }],
    ])
    const approve = (id: string, typed = passphrase) => policy(['approve', '--config', config, '--key', key, id], `${typed}\n`)

    expect(await approve(request.id, 'not the passphrase')).toMatchObject({ code: 3, stdout: '' })
    expect(await approve(newId('req'))).toMatchObject({ code: 1, stdout: '' })
    expect((await policy(['approve', '--config', config, request.id])).code).toBe(2)
    expect(existsSync(approvalFile(folder, request.id))).toBe(false)

    const signed = await approve(request.id)
    expect(signed).toMatchObject({ code: 0, stderr: expect.stringContaining(request.reason) })
    const { publicJwk } = JSON.parse(readFileSync(key, 'utf8'))
    expect(JSON.parse(signed.stdout)).toEqual({ requestId: request.id, approver: thumbprint(publicJwk) })
    const jws = readFileSync(approvalFile(folder, request.id), 'utf8')
    const expected = { type: 'approval', schema: ApprovalPayload, key: publicJwk, failure: 'access.second-key-missing' } as const
    expect(await verifyJws(jws, expected)).toMatchObject({
      requestId: request.id,
      deviceId: request.deviceId,
      requestHash: sha256(Buffer.from(waiting.payload, 'base64url')),
    })
  })

  test.each([
    ['rules.os=perhaps', 'rules.os'],
    ['rules.root=allow', 'rules.root'],
    ['colour=blue', 'colour'],
    ['__proto__.x=1', '__proto__.x=1'],
    ['constructor.name=x', 'constructor.name'],
    ['requestsPerHour=-1', 'requestsPerHour'],
    ['nothing', 'nothing'],
  ])('%s is no setting', (setting, name) => {
    expect(() => withSettings(defaultPolicy, ['sessionMinutes=60', setting])).toThrow(
      expect.objectContaining({ code: 'policy.setting-bad', details: { name } }),
    )
  })

  test('one bad setting changes nothing', async () => {
    expect(await set('sessionMinutes=60', 'rules.os=perhaps')).toMatchObject({ code: 2, stderr: expect.stringContaining('The setting rules.os is not known') })
    expect(load().from).toBe('defaults')
  })

  test('a wrong passphrase, and a key that does not own the policy, sign nothing', async () => {
    await set('sessionMinutes=60')
    load()
    const before = readFileSync(device.config.policyFile, 'utf8')
    expect(await policy(['set', '--config', config, '--key', key, 'sessionMinutes=90'], 'wrong one\n')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('policy.key-wrong'),
    })
    writeFileSync(key, JSON.stringify((await makeKeyFile('policy', passphrase, 2 ** 14)).file))
    expect(await set('sessionMinutes=90')).toMatchObject({ code: 3, stderr: expect.stringContaining('does not own') })
    expect(readFileSync(device.config.policyFile, 'utf8')).toBe(before)
  })

  test('a damaged file is shown with what to do, in French too, and set anew from the defaults', async () => {
    await set('sessionMinutes=60')
    load()
    writeFileSync(device.config.policyFile, '{"sessionMinutes":480}')
    const shown = await policy(['show', '--config', config, '--language', 'fr'])
    expect(shown.code).toBe(3)
    expect(shown.stderr).toContain('n’est pas signé')
    expect(await set('sessionMinutes=90')).toMatchObject({ code: 3, stderr: expect.stringContaining('policy.unusable') })
    expect((await set('--fresh', 'sessionMinutes=90')).code).toBe(0)
    expect(load()).toMatchObject({ from: 'file', policy: { sessionMinutes: 90 } })
  })

  test('away from the device a file is made to be carried there; its key is made behind a passphrase', async () => {
    const [own, carried] = [join(device.folder, 'own.json'), join(device.folder, 'carried.json')]
    expect((await policy(['key', '--key', own], 'short\n')).code).toBe(2)
    expect((await policy(['key', '--key', own])).code).toBe(0)
    expect(readFileSync(own, 'utf8')).not.toContain('PRIVATE')
    expect((await policy(['set', '--policy', carried, '--key', own, 'rules.files=deny'])).code).toBe(0)
    writeFileSync(device.config.policyFile, readFileSync(carried))
    expect(load()).toMatchObject({ from: 'file', policy: { rules: { files: 'deny' } } })
  })
})
