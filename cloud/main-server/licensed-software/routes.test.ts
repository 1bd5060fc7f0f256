import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { licensedPath } from '@gantry/shared/licensed-software.ts'
import { generateSigningKey, privatePem } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changeDirectory, firstCustomer } from '../../../test/support/directory.ts'
import { inForce, over, publishLicensed, subscribe } from '../../../test/support/licensed-software.ts'
import { createTestServer, type TestServer } from '../../../test/support/main-server.ts'
import { enrolAgent, type TestAgent } from '../../../test/support/test-agent.ts'

// R011: what a device may download changes with its subscriptions, and what it may not is the same as what is not there (R073).

const folder = mkdtempSync(join(tmpdir(), 'licensed-'))
const out = join(folder, 'out')
const content = Buffer.alloc(16_777_216, 'licensed')
const name = 'dose-reports-1.0.0.bin'
let server: TestServer
let mine: TestAgent
let second: TestAgent

beforeAll(async () => {
  await publishLicensed(out, content, { key: generateSigningKey() })
  mkdirSync(join(out, 'empty'))
  writeFileSync(join(folder, 'secret'), 'beside the folder')
  writeFileSync(join(out, inForce.feature, '.hidden'), 'half a file')
  server = await createTestServer({ licensedSoftware: out })
  ;[mine, second] = await Promise.all([enrolAgent(server, server.devices.mine), enrolAgent(server, server.devices.second)])
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

type Got = { status: number; headers: Record<string, unknown>; body: Buffer }
function open(path: string, agent: TestAgent | null, options: RequestOptions = {}): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const { hostname, port } = new URL(server.agentOrigin)
  const identity = agent ? { cert: agent.certificate, key: privatePem(agent.key) } : {}
  request({ hostname, port, path, ca: server.ca, agent: false, ...identity, ...options }, resolve)
    .on('error', reject)
    .end()
  return promise
}
async function get(path: string, agent: TestAgent | null, options: RequestOptions = {}): Promise<Got> {
  const response = await open(path, agent, options)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await buffer(response) }
}
const ofReports = licensedPath(inForce.feature, name)
const nothing = { ok: false, failure: { code: 'contract.unknown-name' } }

describe('with a subscription in force a device', () => {
  beforeAll(() => subscribe(server, mine.device, inForce))

  test('gets the manifest and the file, whole or from any octet on', async () => {
    expect((await get(licensedPath(inForce.feature, 'manifest.jws'), mine)).status).toBe(200)
    const whole = await get(ofReports, mine)
    expect([whole.status, whole.headers['content-length'], whole.body.equals(content)]).toEqual([200, String(content.length), true])
    const rest = await get(ofReports, mine, { headers: { range: 'bytes=16000000-' } })
    expect([rest.status, rest.headers['content-range'], rest.body.equals(content.subarray(16_000_000))]).toEqual([
      206,
      'bytes 16000000-16777215/16777216',
      true,
    ])
    expect((await get(ofReports, mine, { headers: { range: 'bytes=16777216-' } })).status).toBe(416)
  })

  const outside = ['../secret', '..%2fsecret', '%2e%2e%2fsecret', '..%5csecret', '.hidden', '%2ehidden', 'nothing', `${name}%00`, '']
  test.each(outside)('finds nothing under %j', async (path) => {
    const { status, body } = await get(`/licensed-software/${inForce.feature}/${path}`, mine)
    expect([status === 400 || status === 404, JSON.parse(body.toString())]).toEqual([true, { ok: false, failure: expect.anything() }])
  })

  test.each(['..', '%2e%2e', '.', '.partial', 'DOSE-REPORTS'])('has no feature %j', async (feature) => {
    expect((await get(`/licensed-software/${feature}/secret`, mine)).status).toBe(404)
  })

  test('is cut off in the middle of a file when the subscription ends, and hears then what it would of no feature', async () => {
    const response = await open(ofReports, mine)
    await subscribe(server, mine.device)
    // So slowly that the rest stays with the server for a while.
    const read = async () => {
      let bytes = 0
      for await (const block of response) {
        bytes += (block as Buffer).length
        await sleep(50)
      }
      return bytes
    }
    await expect(read()).rejects.toThrow('aborted')
    expect(JSON.parse((await get(ofReports, mine)).body.toString())).toEqual(nothing)
  })
})

describe('nothing is there', () => {
  const seen = async (path: string, agent: TestAgent) => {
    const { status, headers, body } = await get(path, agent)
    const { date: _, ...same } = headers
    return { status, headers: same, body: body.toString() }
  }

  test.each([
    ['without a subscription', []],
    ['when it is over', [over]],
    ['before it begins', [{ ...inForce, from: '2080-01-01' }]],
    ['for another feature', [{ ...inForce, feature: 'empty' }]],
  ])('%s, octet for octet as for a feature that nobody has', async (_, subscriptions) => {
    await subscribe(server, mine.device, ...subscriptions)
    const absent = await seen(licensedPath('no-such-feature', name), mine)
    expect([absent.status, JSON.parse(absent.body)]).toEqual([404, nothing])
    for (const path of [ofReports, licensedPath(inForce.feature, 'manifest.jws'), licensedPath('empty', 'manifest.jws')])
      expect(await seen(path, mine)).toEqual(absent)
  })

  test('for another device than the one that is subscribed, for a device that is shut out, and for nobody at all', async () => {
    await subscribe(server, mine.device, inForce)
    expect(JSON.parse((await get(ofReports, second)).body.toString())).toEqual(nothing)
    const shut = (disabled: boolean) =>
      changeDirectory(server, (seed) => {
        for (const device of firstCustomer(seed).sites.flatMap(({ devices }) => devices)) if (device.id === mine.device.id) device.disabled = disabled
      })
    await shut(true)
    expect(JSON.parse((await get(ofReports, mine)).body.toString())).toEqual(nothing)
    await shut(false)
    expect((await get(ofReports, mine)).status).toBe(200)
    await expect(get(ofReports, null)).rejects.toThrow()
    const { hostname, port } = new URL(server.origin)
    expect((await get(ofReports, mine, { hostname, port })).status).toBe(404)
  })

  test('to be written to', async () => {
    await subscribe(server, mine.device, inForce)
    for (const method of ['PUT', 'POST', 'DELETE']) expect((await get(ofReports, mine, { method })).status).toBe(404)
  })
})
