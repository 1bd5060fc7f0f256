import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { createServer, type Server, type TlsOptions } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../errors.ts'
import { newId } from '../ids.ts'
import { type Ca, createCa, createCertificateRequest, issueDeviceCertificate, issueServerCertificate } from './certificates.ts'
import { createDialler, type DialTarget } from './dial.ts'
import type { Validity } from './open-tls.ts'
import { readUntil } from './read-until.ts'
import { generateSigningKey, privatePem } from './signing.ts'

const open: (Server | TcpServer)[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.close()
})

const ca = await createCa('Right CA')
const good = await issueServerCertificate(ca, { hosts: ['127.0.0.1', 'localhost'] })

async function listen(server: Server | TcpServer): Promise<number> {
  open.push(server)
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

async function tlsServer(options: TlsOptions = {}): Promise<number> {
  const server = createServer({ cert: good.certificatePem, key: good.keyPem, ...options }, (socket) => {
    socket.on('error', () => undefined)
    socket.write('hello\n')
  })
  return listen(server)
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof AppError ? { code: error.code, ...error.details } : error
  }
}

const sameName = await createCa('Right CA')
const expired = { days: 1, now: Date.now() - 3 * 86_400_000 }
async function serverOf(issuer: Ca, options: Parameters<typeof issueServerCertificate>[1]): Promise<number> {
  const { certificatePem, keyPem } = await issueServerCertificate(issuer, options)
  return tlsServer({ cert: certificatePem, key: keyPem })
}

const direct = createDialler({ ca: ca.certificatePem })
const dial = (port: number, change: Partial<DialTarget> = {}) => direct({ host: '127.0.0.1', port, ...change })
const otherCa = await createCa('Other CA')
const dialOther = createDialler({ ca: otherCa.certificatePem })

describe('dialling (R060, R061)', () => {
  test('gives a TLS 1.3 socket, by address and by name', async () => {
    const port = await tlsServer()
    for (const host of ['127.0.0.1', 'localhost']) {
      const socket = await dial(port, { host })
      expect(socket.getProtocol()).toBe('TLSv1.3')
      expect((await readUntil(socket, '\n', { maxBytes: 100 })).toString()).toBe('hello')
      socket.destroy()
    }
  })

  test('takes TLS 1.2 with forward secrecy and an AEAD cipher, and nothing older or weaker (R059)', async () => {
    const socket = await dial(await tlsServer({ maxVersion: 'TLSv1.2' }))
    expect(socket.getCipher().name).toMatch(/^ECDHE-ECDSA-.*(GCM|CHACHA20)/)
    socket.destroy()
    for (const weak of [
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' },
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
    ] as const) {
      expect(await failureOf(dial(await tlsServer(weak)))).toMatchObject({ code: 'server.unreachable', hop: 'tls' })
    }
  })

  test('says who issued a certificate that is not the one it looks for', async () => {
    const proxy = await createCa('Proxy that opens TLS')
    const forged = await issueServerCertificate(proxy, { hosts: ['127.0.0.1'] })
    const port = await tlsServer({ cert: forged.certificatePem, key: forged.keyPem })
    expect(await failureOf(dial(port))).toMatchObject({ code: 'server.identity-wrong', host: '127.0.0.1', issuer: 'Proxy that opens TLS' })
  })

  test.each([
    ['of another name', { hosts: ['elsewhere.example'] }],
    ['that has expired', { hosts: ['127.0.0.1'], ...expired }],
    ['that is not valid yet', { hosts: ['127.0.0.1'], now: Date.now() + 86_400_000 }],
  ])('refuses a certificate %s', async (_what, options) => {
    const port = await serverOf(ca, options)
    expect(await failureOf(dial(port))).toMatchObject({ code: 'server.identity-wrong', issuer: 'Right CA' })
  })

  test.each([
    ['has expired', expired],
    ['is not valid yet', { now: Date.now() + 86_400_000 }],
  ])('to a caller whose clock may be wrong, tells a certificate that %s, and gives the connection (D14)', async (_what, time) => {
    const port = await serverOf(ca, { hosts: ['127.0.0.1', 'gantry.example'], ...time })
    const told: Validity[] = []
    const socket = await dial(port, { onOutdated: (validity) => told.push(validity) })
    expect((await readUntil(socket, '\n', { maxBytes: 100 })).toString()).toBe('hello')
    expect(told).toHaveLength(1)
    expect(Date.now() < (told[0]?.fromMs ?? 0) || Date.now() > (told[0]?.untilMs ?? 0)).toBe(true)
    socket.destroy()
  })

  test('tells no such thing of a certificate that is good now', async () => {
    const socket = await dial(await tlsServer(), { onOutdated: () => expect.unreachable() })
    socket.destroy()
  })

  test.each([
    ['another name', ca, { hosts: ['elsewhere.example'] }],
    ['another issuer', otherCa, { hosts: ['127.0.0.1'] }],
    ['an issuer of the same name', sameName, { hosts: ['127.0.0.1'] }],
  ])('that a certificate has expired too excuses neither %s', async (_what, issuer, options) => {
    const port = await serverOf(issuer, { ...options, ...expired })
    expect(await failureOf(dial(port, { onOutdated: () => expect.unreachable() }))).toMatchObject({ code: 'server.identity-wrong' })
  })

  test('nor that it is a device’s', async () => {
    const key = generateSigningKey()
    const request = await createCertificateRequest(key, 'a device')
    const cert = await issueDeviceCertificate(ca, request, newId('dev'), { days: 1, now: expired.now })
    const port = await tlsServer({ cert, key: privatePem(key) })
    expect(await failureOf(dial(port, { onOutdated: () => expect.unreachable() }))).toMatchObject({ code: 'server.identity-wrong' })
  })

  test('is not talked out of it by the environment', async () => {
    const port = await tlsServer()
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    try {
      expect(await failureOf(dialOther({ host: '127.0.0.1', port }))).toMatchObject({ code: 'server.identity-wrong' })
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    }
  })

  test('says how far it came: name, TCP, TLS', async () => {
    expect(await failureOf(dial(1, { host: 'no-such-host.invalid' }))).toMatchObject({ code: 'server.unreachable', hop: 'dns' })
    const port = await tlsServer()
    for (const server of open.splice(0)) await new Promise((resolve) => server.close(resolve))
    expect(await failureOf(dial(port))).toMatchObject({ code: 'server.unreachable', hop: 'tcp', reason: 'ECONNREFUSED' })
    const plain = await listen(createTcpServer((socket) => socket.end('not TLS\r\n').on('error', () => undefined)))
    expect(await failureOf(dial(plain))).toMatchObject({ code: 'server.unreachable', hop: 'tls' })
  })

  test('gives up after its time limit, and at once when aborted', async () => {
    const silent = await listen(createTcpServer((socket) => socket.on('error', () => undefined)))
    expect(await failureOf(dial(silent, { timeoutMs: 100 }))).toMatchObject({ code: 'server.unreachable', hop: 'tls', reason: 'timeout' })
    const reason = new Error('not needed any more')
    expect(await failureOf(dial(silent, { signal: AbortSignal.abort(reason) }))).toBe(reason)
    const controller = new AbortController()
    const dialling = failureOf(dial(silent, { signal: controller.signal }))
    setTimeout(() => controller.abort(reason), 20)
    expect(await dialling).toBe(reason)
  })
})
