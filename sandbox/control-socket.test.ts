import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLineClient, type LineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openControlSocket, type SecretStore } from './control-socket.ts'
import { createPanelDesk } from './panel-desk.ts'

const folder = mkdtempSync(join(tmpdir(), 'gantry-control-'))
const path = join(folder, 'control')
let secrets: SecretStore
let close: () => Promise<void>
let client: LineClient<SandboxApi>

beforeEach(async () => {
  secrets = new Map()
  const panels = createPanelDesk([], () => undefined)
  close = await openControlSocket(path, { secrets, credentials: { username: 'u', password: 'p', totpSecret: 't' }, panels }, () => undefined)
  client = createLineClient(sandboxApi, connect(path))
})
afterEach(async () => {
  client.close()
  await close()
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the control socket', () => {
  test('keeps secrets in memory, for this account only', async () => {
    await client.call('secret.set', { name: 'refresh-token', value: 'abc' })
    expect(await client.call('secret.get', { name: 'refresh-token' })).toEqual({ value: 'abc' })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await client.call('secret.delete', { name: 'refresh-token' })
    expect(await client.call('secret.get', { name: 'refresh-token' })).toEqual({ value: null })
  })

  test('tells the sandbox’s own credentials', async () => {
    expect(await client.call('specialist.credentials', {})).toEqual({ username: 'u', password: 'p', totpSecret: 't' })
  })

  test('knows when a device is none of its own', async () => {
    await expect(client.call('panel.state', { device: 'elsewhere' })).rejects.toMatchObject({ code: 'panel.unknown-device' })
  })

  test('has a limit to what it keeps, and a broken line ends only the connection that sent it', async () => {
    for (let index = 0; index < 200; index += 1) secrets.set(`name-${index}`, 'x')
    await expect(client.call('secret.set', { name: 'one-more', value: 'x' })).rejects.toMatchObject({ code: 'contract.too-large' })
    const broken = connect(path)
    const closed = new Promise((resolve) => broken.once('close', resolve))
    broken.on('error', () => undefined)
    broken.write('{"id":\n')
    await closed
    expect(await client.call('secret.get', { name: 'name-1' })).toEqual({ value: 'x' })
  })
})
