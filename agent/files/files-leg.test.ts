import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FileCallName, partName } from '../../shared/files.ts'
import { certificateHash, selfSigned } from '../../shared/node/certificates.ts'
import { createRunningCheck } from '../../shared/node/running-check.ts'
import { generateSigningKey, newNonce } from '../../shared/node/signing.ts'
import type { Hash } from '../../shared/ticket.ts'
import { connect, sessionChannel, startTestSession, type TestSession } from '../../test/support/agent-session.ts'

const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('base64url')
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (header: unknown) => JSON.parse(Buffer.from(String(header), 'base64url').toString()) as Record<string, unknown>

type Answer = { status: number; output: Record<string, unknown> | null; failure: { code: string } | null; body: Buffer }

describe('the files leg', () => {
  let session: TestSession
  let http: ClientHttp2Session | undefined
  const remote = (path: string) => join(session.filesRoot, path)

  beforeEach(() => {
    session = startTestSession({ access: 'files' })
  })
  afterEach(async () => {
    http?.destroy()
    http = undefined
    await session.close()
  })

  const openLeg = () => openLegAgain()
  const speak = (leg: Duplex, identity: { certificatePem: string; keyPem: string } | null) => {
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
  /** Another leg of the same session, as after a break. */
  const openAgain = async () => {
    const { own, leg } = await openLegAgain()
    const tls = speak(leg, own)
    await new Promise((resolve) => tls.once('secureConnect', resolve))
  }
  const ask = async (name: FileCallName | 'files.nothing', input: unknown, body?: Buffer): Promise<Answer> => {
    if (!http) throw new Error('no leg')
    const stream = http.request({ ':method': 'POST', ':path': `/${name}`, 'gantry-input': encode(input) })
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

  const tagOf = (key: Hash, octets: Buffer) => {
    const check = createRunningCheck(key)
    check.add(octets, 0)
    return check.tag()
  }
  const moves = () => session.audited().filter(({ event }) => event.kind.startsWith('file.'))
  const told = () => moves().map(({ event }) => [event.kind, event.data])

  test('puts a file: written in pieces, compared, committed; gets it back in pieces (R073)', async () => {
    await open()
    const octets = randomBytes(5_000_000)
    const [check, part] = [newNonce(), `/${partName('a.bin')}`]
    expect((await ask('files.write', { path: part, offset: 0, check }, octets.subarray(0, 2_000_000))).output).toEqual({ size: 2_000_000 })
    expect((await ask('files.progress', { path: part, check })).output).toEqual({ position: 2_000_000 })
    expect((await ask('files.write', { path: part, offset: 2_000_000, check }, octets.subarray(2_000_000))).output).toEqual({ size: 5_000_000 })
    expect((await ask('files.digest', { path: part })).output).toEqual({ sha256: sha256(octets), size: 5_000_000 })
    const commit = { from: part, to: '/a.bin', check, tag: tagOf(check, octets), replace: false }
    const wrong = await ask('files.commit', { ...commit, tag: tagOf(check, Buffer.from('other')) })
    expect(wrong).toMatchObject({ status: 409, failure: { code: 'file.digest-differs' } })
    expect(existsSync(remote('a.bin'))).toBe(false)
    expect((await ask('files.commit', commit)).output).toEqual({ size: 5_000_000 })
    // The answer may have been lost with the leg.
    expect((await ask('files.commit', commit)).output).toEqual({ size: 5_000_000 })
    expect(readFileSync(remote('a.bin')).equals(octets)).toBe(true)

    const back = newNonce()
    const head = await ask('files.read', { path: '/a.bin', offset: 0, length: 1_500_000, check: back })
    const tail = await ask('files.read', { path: '/a.bin', offset: 1_400_000, check: back })
    expect(head.output).toMatchObject({ size: 5_000_000 })
    expect(Buffer.concat([head.body, tail.body.subarray(100_000)]).equals(octets)).toBe(true)
    expect((await ask('files.read', { path: '/a.bin', offset: 9_000_000 })).body.length).toBe(0)
    const received = { path: '/a.bin', check: back, tag: tagOf(back, octets), size: octets.length }
    expect((await ask('files.received', { ...received, size: 1 })).failure?.code).toBe('file.digest-differs')
    expect([(await ask('files.received', received)).status, (await ask('files.received', received)).status]).toEqual([200, 200])

    const digested = () => moves().filter((move) => move.private?.sha256 === sha256(octets))
    await expect.poll(() => digested().length).toBe(2)
    expect(told().filter(([kind]) => kind !== 'file.digested')).toEqual([
      ['file.refused', { operation: 'commit', code: 'file.digest-differs' }],
      ['file.sent', { bytes: 5_000_000, direction: 'to-device', whole: true }],
      ['file.refused', { operation: 'received', code: 'file.digest-differs' }],
      ['file.received', { bytes: 5_000_000, direction: 'from-device', whole: true }],
    ])
    // Names and digests are the private part: they never leave the device.
    expect(JSON.stringify(moves().map(({ event }) => event))).not.toContain('a.bin')
    expect(digested().map((move) => move.private?.path)).toEqual(['/a.bin', '/a.bin'])
  })

  test('a put is taken up by another leg where the first one stopped, and by nobody who changed the part meanwhile', async () => {
    await open()
    const octets = randomBytes(3_000_000)
    for (const changed of [false, true]) {
      const [check, part] = [newNonce(), `/${partName('b')}`]
      const stream = http?.request({ ':method': 'POST', ':path': '/files.write', 'gantry-input': encode({ path: part, offset: 0, check }) })
      stream?.on('error', () => undefined)
      stream?.write(octets.subarray(0, 2_000_000))
      await expect.poll(() => existsSync(remote(partName('b'))) && statSync(remote(partName('b'))).size).toBeGreaterThan(1_000_000)
      // The first leg is still open, and its request under way: the next one ends both.
      await openAgain()
      const { position } = (await ask('files.progress', { path: part, check })).output as { position: number }
      expect(position).toBeLessThanOrEqual(2_000_000)
      if (changed) writeFileSync(remote(partName('b')), octets.subarray(0, position).toReversed(), { flag: 'r+' })
      const rest = await ask('files.write', { path: part, offset: position, check }, octets.subarray(position))
      const commit = await ask('files.commit', { from: part, to: '/b', check, tag: tagOf(check, octets), replace: true })
      if (changed) expect([rest.failure?.code, commit.failure?.code]).toEqual(['file.digest-differs', 'file.digest-differs'])
      else expect(commit.output).toEqual({ size: 3_000_000 })
      await ask('files.abandon', { path: part, check })
      expect(existsSync(remote(partName('b')))).toBe(false)
      expect(readFileSync(remote('b')).equals(octets)).toBe(true)
    }
    await expect.poll(() => told().filter(([kind]) => kind === 'file.sent')).toEqual([['file.sent', { bytes: 3_000_000, direction: 'to-device', whole: true }]])
  })

  test('a later session takes up what an earlier one brought, and its check covers all of it (R073)', async () => {
    await open()
    const octets = randomBytes(2_000_000)
    const [check, part] = [newNonce(), `/${partName('d')}`]
    await ask('files.write', { path: part, offset: 0, check: newNonce() }, octets.subarray(0, 1_200_000))
    const taken = { kind: 'sent', path: part, check, position: octets.length }
    for (const _again of [1, 2]) expect((await ask('files.take-up', taken)).output).toEqual({ position: 1_200_000 })
    await ask('files.write', { path: part, offset: 1_200_000, check }, octets.subarray(1_200_000))
    expect((await ask('files.commit', { from: part, to: '/d', check, tag: tagOf(check, octets), replace: false })).output).toEqual({ size: 2_000_000 })
    expect(readFileSync(remote('d')).equals(octets)).toBe(true)

    const back = newNonce()
    expect((await ask('files.take-up', { kind: 'received', path: '/d', check: back, position: 1_500_000 })).output).toEqual({ position: 1_500_000 })
    const rest = await ask('files.read', { path: '/d', offset: 1_500_000, check: back })
    expect(rest.body.equals(octets.subarray(1_500_000))).toBe(true)
    expect((await ask('files.received', { path: '/d', check: back, tag: tagOf(back, octets), size: octets.length })).status).toBe(200)
  })

  test('nothing but a part is taken up as one, and none that is longer than its file or was changed', async () => {
    await open()
    writeFileSync(remote('own'), 'a file of the device', { mode: 0o644 })
    const code = async (input: object) => (await ask('files.take-up', input)).failure?.code
    expect(await code({ kind: 'sent', path: '/own', check: newNonce(), position: 100 })).toBe('file.name-not-allowed')
    const part = partName('e')
    await ask('files.write', { path: `/${part}`, offset: 0, check: newNonce() }, Buffer.alloc(1_000))
    expect(await code({ kind: 'sent', path: `/${part}`, check: newNonce(), position: 999 })).toBe('file.digest-differs')
    expect(await code({ kind: 'received', path: '/own', check: newNonce(), position: 1_000 })).toBe('file.digest-differs')
    const check = newNonce()
    await ask('files.take-up', { kind: 'sent', path: `/${part}`, check, position: 2_000 })
    writeFileSync(remote(part), Buffer.alloc(1_000, 1), { flag: 'r+' })
    expect((await ask('files.write', { path: `/${part}`, offset: 1_000, check }, Buffer.alloc(1_000))).failure?.code).toBe('file.digest-differs')
    expect(readFileSync(remote('own'), 'utf8')).toBe('a file of the device')
  })

  test('a part is removed by its own transfer alone', async () => {
    await open()
    const [mine, other, path] = [newNonce(), newNonce(), `/${partName('c')}`]
    await ask('files.write', { path, offset: 0, check: mine }, Buffer.from('mine'))
    await ask('files.write', { path, offset: 0, check: other }, Buffer.from('other'))
    expect((await ask('files.abandon', { path, check: mine })).status).toBe(200)
    expect(readFileSync(remote(partName('c')), 'utf8')).toBe('other')
    expect((await ask('files.commit', { from: path, to: '/c', check: mine, tag: tagOf(mine, Buffer.from('mine')), replace: true })).failure?.code).toBe(
      'file.digest-differs',
    )
    await ask('files.abandon', { path, check: other })
    expect(existsSync(remote(partName('c')))).toBe(false)
  })

  test('a file that changes while it is fetched is no file that was fetched', async () => {
    await open()
    const check = newNonce()
    writeFileSync(remote('log'), 'first line\n', { mode: 0o644 })
    const { body } = await ask('files.read', { path: '/log', offset: 0, check })
    appendFileSync(remote('log'), 'second line\n')
    expect((await ask('files.received', { path: '/log', check, tag: tagOf(check, body), size: body.length })).failure?.code).toBe('file.digest-differs')
    expect((await ask('files.read', { path: '/log', offset: body.length, check })).failure?.code).toBe('file.digest-differs')
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
    ['NUL', 'files.write', { path: '/a\u0000', offset: 0, check: newNonce() }, 'contract.bad-input'],
    ['a name with a line break', 'files.write', { path: '/a\nb', offset: 0, check: newNonce() }, 'file.name-not-allowed'],
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
    const { failure } = await ask('files.write', { path: '/none/x', offset: 0, check: newNonce() }, Buffer.alloc(5_000_000))
    expect(failure?.code).toBe('file.not-found')
    expect((await ask('files.list', { path: '/' })).status).toBe(200)
  })

  test('what moved and was not gone on with is recorded as a part, when the session ends at the latest', async () => {
    await open()
    writeFileSync(remote('down'), Buffer.alloc(100_000), { mode: 0o644 })
    expect((await ask('files.read', { path: '/down', offset: 0, length: 40_000, check: newNonce() })).body.length).toBe(40_000)
    await ask('files.write', { path: `/${partName('up')}`, offset: 0, check: newNonce() }, Buffer.alloc(50_000))
    expect(told()).toEqual([])
    session.end('person')
    await session.done
    expect(told()).toEqual([
      ['file.received', { bytes: 40_000, direction: 'from-device', whole: false }],
      ['file.sent', { bytes: 50_000, direction: 'to-device', whole: false }],
    ])
    expect(session.audited().at(-1)?.event.kind).toBe('session.ended')
    expect(existsSync(remote('up'))).toBe(false)
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
