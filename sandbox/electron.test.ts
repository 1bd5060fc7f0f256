import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { fetchElectron, findElectron, type Progress } from './electron.ts'

const folder = mkdtempSync(join(tmpdir(), 'gantry-electron-'))
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** An installer that downloads from this machine, with the sandbox's own ear on it. */
async function installer(serve: Parameters<typeof createServer>[1]): Promise<[string, ...string[]]> {
  const server = createServer(serve)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const source = `const answer = await fetch('http://127.0.0.1:${port}/'); await answer.arrayBuffer()`
  return [process.execPath, '--import', join(import.meta.dirname, 'electron-fetch.ts'), '--input-type=module', '-e', source]
}

describe('the Electron runtime', () => {
  test('is found by what its package says, without loading it', () => {
    expect(findElectron({}, folder)).toBeNull()
    mkdirSync(join(folder, 'dist'))
    writeFileSync(join(folder, 'path.txt'), 'electron')
    expect(findElectron({}, folder)).toBeNull()
    writeFileSync(join(folder, 'dist/electron'), '')
    chmodSync(join(folder, 'dist/electron'), 0o755)
    expect(findElectron({}, folder)).toBe(join(folder, 'dist/electron'))
    expect(findElectron({ ELECTRON_OVERRIDE_DIST_PATH: join(folder, 'elsewhere') }, folder)).toBeNull()
  })

  test('is fetched with progress', async () => {
    const told: Progress[] = []
    const command = await installer((_request, response) => response.writeHead(200, { 'content-length': 3_000_000 }).end(Buffer.alloc(3_000_000)))
    expect(await fetchElectron((progress) => told.push(progress), { command })).toEqual({ ok: true })
    expect(told.at(-1)).toEqual({ received: 3_000_000, total: 3_000_000 })
  })

  test('is given up when nothing comes any more', async () => {
    const command = await installer((_request, response) => void response.writeHead(200, { 'content-length': 1_000 }).write('x'))
    expect(await fetchElectron(() => undefined, { command, silenceMs: 1_500 })).toEqual({ ok: false, why: 'silent' })
  })

  test('is given up at once when the way is closed', async () => {
    const command = await installer(() => undefined)
    for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
    expect(await fetchElectron(() => undefined, { command })).toEqual({ ok: false, why: 'failed' })
  })
})
