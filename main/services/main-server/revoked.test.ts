import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientWorld, startClientWorld } from '../../../test/support/client-world.ts'
import { createServices } from '../create-services.ts'
import type { Services } from '../services.ts'
import { openRevoked } from './revoked.ts'

let world: ClientWorld
let services: Services[]
beforeEach(async () => {
  world = await startClientWorld()
  services = []
})
afterEach(async () => {
  for (const one of services) await one.close()
  await world.close()
})

async function start(): Promise<Services> {
  const about = { version: '0.1.0', host: 'browser' as const, hostReason: null, sandbox: true }
  const one = await createServices({
    ...{ profileDir: world.profileDir, mainServer: world.origin, ca: world.ca, secretStore: world.store, about, party: 'command-line' },
    openBrowser: () => Promise.reject(new Error('no browser in this test')),
  })
  services.push(one)
  return one
}

async function shown(): Promise<Hash> {
  const { hostname, port } = new URL(world.origin)
  const socket = connect({ host: hostname, port: Number(port), ca: world.ca })
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
  const mark = sha256(socket.getPeerX509Certificate()?.raw ?? '')
  socket.destroy()
  return mark
}

const list = { revoked: [sha256('a certificate'), sha256('another')], silent: { warn: () => undefined } }
const ask = { access: 'files', serviceKind: 'support', reason: 'The console reacts slowly', caseId: '48213', minutes: 30 } as const

describe('server certificates that count no more (R061)', () => {
  test('are told with the main server’s own facts, refused from then on, and known at the next start', async () => {
    const one = await start()
    await expect(one.devices.list()).resolves.toMatchObject({ offline: false })
    world.revoked = [await shown()]
    // A request asks for the facts first; whatever becomes of it, the list has been heard.
    await one.requests.ask({ deviceId: world.device.id, ...ask }).catch(() => undefined)
    await expect(one.devices.show(world.device.id)).rejects.toMatchObject({ code: 'server.certificate-revoked' })
    await expect((await start()).devices.show(world.device.id)).rejects.toMatchObject({ code: 'server.certificate-revoked' })
  })

  test('are those of one main server: another one’s list is not asked', () => {
    openRevoked(world.profileDir, 'https://one.example', list.silent).take(list.revoked)
    expect(openRevoked(world.profileDir, 'https://one.example', list.silent).current()).toEqual(list.revoked)
    expect(openRevoked(world.profileDir, 'https://two.example', list.silent).current()).toEqual([])
  })

  test('a list that says the same is no news; one that cannot be read counts as none, and is heard again', () => {
    const path = join(world.profileDir, 'revoked-certificates.json')
    const kept = openRevoked(world.profileDir, 'https://one.example', list.silent)
    expect([kept.take(list.revoked), kept.take(list.revoked.toReversed()), kept.take([])]).toEqual([true, false, true])
    writeFileSync(path, '{')
    const again = openRevoked(world.profileDir, 'https://one.example', list.silent)
    expect([again.current(), again.take(list.revoked)]).toEqual([[], true])
    expect(readFileSync(path, 'utf8')).toContain(list.revoked[0])
  })
})
