import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { findAddresses, openTcp } from './tcp.ts'

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function listen(host: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(0, host)
  await once(server, 'listening')
  open.push(server)
  return (server.address() as AddressInfo).port
}

const signal = new AbortController().signal
/** RFC 5737: for documentation; nothing answers there. */
const dead = '192.0.2.1'

describe('addresses (R043, R054)', () => {
  test('both families in turn, beginning with the first; DNS is not asked for what is configured', async () => {
    const addresses = { 'main.example': ['::1', '::2', '::3', '127.0.0.1'], 'constructor.example': ['127.0.0.9'] }
    expect(await findAddresses('MAIN.example', addresses)).toEqual(['::1', '127.0.0.1', '::2', '::3'])
    expect(await findAddresses('::1', addresses)).toEqual(['::1'])
    await expect(findAddresses('no-such-host.invalid', addresses)).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(findAddresses('constructor', {})).rejects.toMatchObject({ code: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) })
  })

  test.each([
    ['refuses', (): string[] => ['127.0.0.2', '127.0.0.1']],
    ['does not answer', (): string[] => [dead, '127.0.0.1']],
    ['is of a family that leads nowhere', (): string[] => ['::ffff:0:1', '127.0.0.1']],
  ])('one that %s does not keep the next from answering', async (_what, addresses) => {
    const port = await listen('127.0.0.1')
    const socket = await openTcp(addresses(), { port, allowHalfOpen: false, signal })
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  test('says why when none answers, and stops when it is told to', async () => {
    const port = await listen('127.0.0.1')
    for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve))
    await expect(openTcp(['127.0.0.1', '127.0.0.2'], { port, allowHalfOpen: false, signal })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const reason = new Error('not needed any more')
    const controller = new AbortController()
    const opening = openTcp([dead], { port, allowHalfOpen: false, signal: controller.signal }).catch((error: unknown) => error)
    controller.abort(reason)
    expect(await opening).toBe(reason)
  })
})
