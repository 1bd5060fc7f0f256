import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestDeviceFiles, type TestDeviceFiles } from '../../../test/support/device-files.ts'
import type { Files } from '../services.ts'
import { createFiles } from '../sessions/files.ts'
import { createTransfers, type TransferService } from './transfers.ts'

let device: TestDeviceFiles
let files: Files & { close(): void }
let transfers: TransferService
let local: string
const requestId = newId<RequestId>('req')

beforeEach(async () => {
  device = await openTestDeviceFiles({})
  files = createFiles(device.join)
  local = mkdtempSync(join(tmpdir(), 'local-'))
  const session = { requestId, files, ended: new Promise<never>(() => undefined), view: () => ({ state: 'open' }) as SessionView }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  transfers = createTransfers({ session: () => session, onChange: () => undefined, now: Date.now, log })
})
afterEach(async () => {
  transfers.close()
  files.close()
  await device.close()
  rmSync(local, { recursive: true, force: true })
})

const begin = async (direction: 'put' | 'get', from: string, to: string): Promise<string> => {
  const { transferIds } = await transfers.start({ requestId, direction, from: [from], to, replace: false })
  return transferIds[0] as string
}
const received = async (name: string): Promise<string> => {
  const id = await begin('get', `/${name}`, local)
  await transfers.finished(id)
  return id
}
const refused = (code: string) => expect.objectContaining({ code })

describe('where a finished download lies (R073)', () => {
  test('is its place on this computer, under the name that it got here; a folder has one, too', async () => {
    writeFileSync(join(device.root, 'nul'), 'a')
    mkdirSync(join(device.root, 'logs'))
    writeFileSync(join(device.root, 'logs/today.log'), 'b')
    expect(await transfers.place(await received('nul'))).toBe(join(local, '%6Eul'))
    expect(await transfers.place(await received('logs'))).toBe(join(local, 'logs'))
  })

  test('is told of no transfer that is not listed', async () => {
    await expect(transfers.place('tr-77')).rejects.toEqual(refused('transfer.unknown'))
    writeFileSync(join(device.root, 'a.log'), 'a')
    const id = await received('a.log')
    transfers.forget([id])
    await expect(transfers.place(id)).rejects.toEqual(refused('transfer.unknown'))
  })

  test('is told of none that went to the device, failed, or is still on its way', async () => {
    writeFileSync(join(local, 'up.log'), 'a')
    const put = await begin('put', join(local, 'up.log'), '/')
    await transfers.finished(put)
    await expect(transfers.place(put)).rejects.toEqual(refused('transfer.not-received'))
    writeFileSync(join(device.root, 'up.log'), 'other')
    const failed = await received('up.log')
    await expect(transfers.place(failed)).rejects.toEqual(refused('transfer.not-received'))
    writeFileSync(join(device.root, 'large.bin'), Buffer.alloc(6_000_000))
    const running = await begin('get', '/large.bin', local)
    transfers.pause(running)
    await expect(transfers.place(running)).rejects.toEqual(refused('transfer.not-received'))
  })

  test('is told of none that is gone, nor of a link in its place', async () => {
    writeFileSync(join(device.root, 'a.log'), 'a')
    const id = await received('a.log')
    rmSync(join(local, 'a.log'))
    await expect(transfers.place(id)).rejects.toEqual(refused('file.not-found'))
    symlinkSync('/etc/hostname', join(local, 'a.log'))
    await expect(transfers.place(id)).rejects.toEqual(refused('file.not-a-file'))
  })
})
