import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FileCallName, partName } from '../../shared/files.ts'
import { certificateHash, selfSigned } from '../../shared/node/certificates.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import { connect, sessionChannel, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('base64url')
const decode = (header: unknown) => JSON.parse(Buffer.from(String(header), 'base64url').toString()) as Record<string, unknown>

type Answer = { status: number; output: Record<string, unknown> | null; failure: { code: string } | null; body: Buffer }

describe('the files leg', () => {
  let session: TestSession
  let http: ClientHttp2Session | undefined
  let hangUp: () => unknown = () => undefined
  const remote = (path: string) => join(session.filesRoot, path)

  beforeEach(() => {
    session = startTestSession({ access: 'files' })
  })
  afterEach(async () => {
    http?.destroy()
    http = undefined
    await session.close()
  })

  const openLeg = async () => {
    const calls = await sessionChannel(await connect(session))
    const own = await selfSigned(generateSigningKey())
    const { leg, certificate } = await calls.call('leg.open', { kind: 'files', certificate: own.hash })
    return { own, certificate, leg: await session.dial(leg) }
  }
  const speak = (leg: Duplex, identity: { certificatePem: string; keyPem: string } | null) => {
    hangUp = () => leg.destroy()
    const tls = connectTls({
      socket: leg,
      ALPNProtocols: ['h2'],
      rejectUnauthorized: false,
      ...(identity ? { cert: identity.certificatePem, key: identity.keyPem } : {}),
    })
    http = connectHttp2('https://device', { createConnection: () => tls })
    http.on('error', () => undefined)
    return tls
  }
  const open = async () => {
    const { own, leg, certificate } = await openLeg()
    const tls = speak(leg, own)
    await new Promise((resolve) => tls.once('secureConnect', resolve))
    expect(tls.getProtocol()).toBe('TLSv1.3')
    expect(sha256(tls.getPeerCertificate().raw)).toBe(certificate)
  }
  const ask = async (name: FileCallName | 'files.nothing', input: unknown, body?: Buffer): Promise<Answer> => {
    if (!http) throw new Error('no leg')
    const stream = http.request({ ':method': 'POST', ':path': `/${name}`, 'gantry-input': Buffer.from(JSON.stringify(input)).toString('base64url') })
    const response = new Promise<Record<string, unknown>>((resolve, reject) => {
      stream.once('response', resolve)
      stream.once('error', reject)
    })
    const contents = buffer(stream).catch(() => null)
    stream.end(body)
    const headers = await response
    const output = headers['gantry-output'] ? decode(headers['gantry-output']) : null
    const failure = headers['gantry-failure'] ? (decode(headers['gantry-failure']) as { code: string }) : null
    return { status: Number(headers[':status']), output, failure, body: (await contents) ?? Buffer.from('broken') }
  }

  test('puts a file: written at offsets, digested, committed; gets it back in ranges (R073)', async () => {
    await open()
    const octets = randomBytes(5_000_000)
    const part = `/${partName('a.bin')}`
    expect((await ask('files.write', { path: part, offset: 0, truncate: true }, octets.subarray(0, 2_000_000))).output).toEqual({ size: 2_000_000 })
    expect((await ask('files.write', { path: part, offset: 2_000_000 }, octets.subarray(2_000_000))).output).toEqual({ size: 5_000_000 })
    expect((await ask('files.digest', { path: part })).output).toEqual({ sha256: sha256(octets), size: 5_000_000 })
    const wrong = await ask('files.commit', { from: part, to: '/a.bin', sha256: sha256(Buffer.from('other')), replace: false })
    expect(wrong).toMatchObject({ status: 409, failure: { code: 'file.digest-differs' } })
    expect(existsSync(remote('a.bin'))).toBe(false)
    expect((await ask('files.commit', { from: part, to: '/a.bin', sha256: sha256(octets), replace: false })).output).toEqual({ size: 5_000_000 })
    expect(readFileSync(remote('a.bin')).equals(octets)).toBe(true)

    const [head, tail] = await Promise.all([
      ask('files.read', { path: '/a.bin', offset: 0, length: 1_500_000 }),
      ask('files.read', { path: '/a.bin', offset: 1_500_000 }),
    ])
    expect(head.output).toMatchObject({ size: 5_000_000 })
    expect(Buffer.concat([head.body, tail.body]).equals(octets)).toBe(true)
    expect((await ask('files.read', { path: '/a.bin', offset: 9_000_000 })).body.length).toBe(0)
    await ask('files.received', { path: '/a.bin', sha256: sha256(octets), size: octets.length })

    const moves = session.audited().filter(({ event }) => event.kind.startsWith('file.'))
    expect(moves.map(({ event }) => [event.kind, event.data])).toEqual([
      ['file.refused', { operation: 'commit', code: 'file.digest-differs' }],
      ['file.sent', { bytes: 5_000_000, direction: 'to-device', whole: true }],
      ['file.received', { bytes: 5_000_000, direction: 'from-device', whole: true }],
    ])
    // Names and digests are the private part: they never leave the device.
    expect(JSON.stringify(moves.map(({ event }) => event))).not.toContain('a.bin')
    expect(moves.at(-1)?.private).toMatchObject({ path: '/a.bin', sha256: sha256(octets) })
  })

  test('lists, tells, makes, renames and removes', async () => {
    await open()
    await ask('files.make-folder', { path: '/logs' })
    writeFileSync(remote('logs/x\u202ey.txt'), 'abc')
    const { body } = await ask('files.list', { path: '/logs' })
    const listed = JSON.parse(body.toString()) as { entries: unknown[]; freeBytes: number }
    expect(listed.entries).toEqual([{ name: 'x\ufffdy.txt', kind: 'file', size: 3, modifiedMs: expect.any(Number), mode: expect.any(Number) }])
    expect(listed.freeBytes).toBeGreaterThan(0)
    expect((await ask('files.stat', { path: '/logs' })).output).toMatchObject({ name: 'logs', kind: 'folder' })
    expect((await ask('files.delete', { path: '/logs' })).failure?.code).toBe('file.not-empty')
    expect((await ask('files.rename', { from: '/logs', to: '/old' })).status).toBe(200)
    expect((await ask('files.stat', { path: '/logs' })).failure?.code).toBe('file.not-found')
  })

  test.each<[string, FileCallName | 'files.nothing', unknown, string]>([
    ['a path that climbs', 'files.read', { path: '/../etc/passwd', offset: 0 }, 'file.outside-root'],
    ['a relative path', 'files.read', { path: 'etc', offset: 0 }, 'contract.bad-input'],
    ['NUL', 'files.write', { path: '/a\u0000', offset: 0 }, 'contract.bad-input'],
    ['a name with a line break', 'files.write', { path: '/a\nb', offset: 0 }, 'file.name-not-allowed'],
    ['a negative offset', 'files.read', { path: '/a', offset: -1 }, 'contract.bad-input'],
    ['an unknown field', 'files.stat', { path: '/a', follow: true }, 'contract.bad-input'],
    ['an unknown name', 'files.nothing', {}, 'contract.unknown-name'],
  ])('%s is refused as a failure with its code', async (_name, name, input, code) => {
    await open()
    expect((await ask(name, input, Buffer.from('x'))).failure?.code).toBe(code)
    expect((await ask('files.list', { path: '/' })).status).toBe(200)
  })

  test('an upload that is refused is told so without reading it to its end', async () => {
    await open()
    const { failure } = await ask('files.write', { path: '/none/x', offset: 0 }, Buffer.alloc(5_000_000))
    expect(failure?.code).toBe('file.not-found')
    expect((await ask('files.list', { path: '/' })).status).toBe(200)
  })

  test('an upload that breaks off leaves only its part, and is recorded as one', async () => {
    await open()
    const stream = http?.request({
      ':method': 'POST',
      ':path': '/files.write',
      'gantry-input': Buffer.from(JSON.stringify({ path: `/${partName('b')}`, offset: 0 })).toString('base64url'),
    })
    stream?.on('error', () => undefined)
    stream?.write(Buffer.alloc(3_000_000))
    await expect.poll(() => existsSync(remote(partName('b'))) && readFileSync(remote(partName('b'))).length).toBeGreaterThan(1_000_000)
    stream?.close(constants.NGHTTP2_CANCEL)
    hangUp()
    await expect.poll(() => session.audited().find(({ event }) => event.kind === 'file.sent')?.event.data?.whole).toBe(false)
    expect(existsSync(remote('b'))).toBe(false)
  })

  test('a download that nobody confirmed is recorded when the leg closes', async () => {
    await open()
    writeFileSync(remote('c'), Buffer.alloc(100_000), { mode: 0o644 })
    expect((await ask('files.read', { path: '/c', offset: 0, length: 40_000 })).body.length).toBe(40_000)
    hangUp()
    await expect
      .poll(() => session.audited().find(({ event }) => event.kind === 'file.received')?.event.data)
      .toEqual({ bytes: 40_000, direction: 'from-device', whole: false })
  })

  test('another certificate than the one that was named is refused before a request is read', async () => {
    for (const identity of [await selfSigned(generateSigningKey()), null]) {
      const { leg } = await openLegAgain()
      const tls = speak(leg, identity)
      const closed = new Promise<void>((resolve) => tls.once('close', () => resolve()))
      tls.on('error', () => undefined)
      const answer = ask('files.list', { path: '/' }).then(
        ({ status }) => status,
        () => 'nothing',
      )
      await closed
      expect(await answer).toBe('nothing')
    }
    expect(session.audited().filter(({ event }) => event.kind === 'leg.refused')).toHaveLength(2)
  })

  test('the leg ends with its session', async () => {
    await open()
    const closed = new Promise<void>((resolve) => http?.once('close', () => resolve()))
    session.end('person')
    await closed
    expect(await session.done).toBe('person')
  })

  test('the certificate is fresh for each leg', async () => {
    const first = await openLegAgain()
    const second = await openLegAgain()
    expect(first.certificate).not.toBe(second.certificate)
    expect(first.certificate).not.toBe(certificateHash(first.own.certificatePem))
  })

  let calls: Awaited<ReturnType<typeof sessionChannel>> | undefined
  let callsOf: TestSession | undefined
  const openLegAgain = async () => {
    if (callsOf !== session) {
      calls = await sessionChannel(await connect(session))
      callsOf = session
    }
    const own = await selfSigned(generateSigningKey())
    if (!calls) throw new Error('no calls')
    const { leg, certificate } = await calls.call('leg.open', { kind: 'files', certificate: own.hash })
    return { own, certificate, leg: await session.dial(leg) }
  }
})
