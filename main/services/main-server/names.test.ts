import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { createCa, issueServerCertificate } from '@gantry/shared/node/certificates.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { readUntil } from '@gantry/shared/node/read-until.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { createMainServerNames } from './names.ts'

const ca = await createCa('Names CA')
const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  return (server.address() as AddressInfo).port
}

/** A main server that says the name it is known by. */
async function startServer(name: string, port = 0): Promise<number> {
  const { certificatePem: cert, keyPem: key } = await issueServerCertificate(ca, { hosts: [name] })
  return listen(
    createServer({ cert, key }, (socket) => {
      socket.on('error', () => undefined)
      socket.write(`${socket.servername}\n`)
    }),
    port,
  )
}

const addresses = { 'one.example': ['127.0.0.1'], 'two.example': ['127.0.0.1'], 'three.example': ['127.0.0.1'] }
const direct = createDialler({ ca: ca.certificatePem, addresses })

async function answerOf(names: ReturnType<typeof createMainServerNames>, port: number): Promise<string> {
  const socket = await names.dial({ host: 'one.example', port })
  const line = (await readUntil(socket, '\n', { maxBytes: 100 })).toString()
  socket.destroy()
  return line
}

describe('a main server under several names (R024)', () => {
  test('is reached under the first, and under the next where that one does not answer; each certificate for its own name', async () => {
    const [first, second] = [await startServer('one.example'), await startServer('two.example')]
    const names = createMainServerNames(direct, [`https://one.example:${first}`, `https://two.example:${second}`])
    expect(await answerOf(names, first)).toBe('one.example')
    for (const server of open.splice(0, 1)) await new Promise((resolve) => server.close(resolve))
    expect(await answerOf(names, first)).toBe('two.example')
    // It stays there, also when the first one is back.
    await startServer('one.example', first)
    expect(await answerOf(names, first)).toBe('two.example')
    names.doubt()
    expect(await answerOf(names, first)).toBe('one.example')
  })

  test.each([
    ['does not resolve', 'no-such-name.invalid', async () => 443],
    ['is answered by somebody else', 'three.example', async () => startServer('elsewhere.example')],
    ['takes connections and says nothing', 'three.example', async () => listen(createTcpServer())],
  ])('goes on where the first name %s', async (_what, host, start) => {
    const [port, second] = [await start(), await startServer('two.example')]
    const names = createMainServerNames(direct, [`https://${host}:${port}`, `https://two.example:${second}`])
    const socket = await names.dial({ host, port, timeoutMs: 2_000 })
    expect((await readUntil(socket, '\n', { maxBytes: 100 })).toString()).toBe('two.example')
    socket.destroy()
  })

  test('says what the name in use said when none answers, and leaves other servers alone', async () => {
    const second = await startServer('two.example')
    const names = createMainServerNames(direct, ['https://no-such-name.invalid:1', 'https://three.example:1'])
    const failure = await names.dial({ host: 'no-such-name.invalid', port: 1 }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'server.unreachable', details: { host: 'no-such-name.invalid', hop: 'dns' } })
    const socket = await names.dial({ host: 'two.example', port: second })
    expect(socket.servername).toBe('two.example')
    socket.destroy()
    const stopped = new AppError('session.ended')
    await expect(names.dial({ host: 'no-such-name.invalid', port: 1, signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped)
  })
})
