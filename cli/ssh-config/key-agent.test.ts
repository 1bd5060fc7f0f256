import { execFile } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateSigningKey, publicKeyFrom } from '@gantry/shared/node/signing.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerMessage, serveKeys } from './key-agent.ts'
import { algorithm, publicBlob, publicLine, string, uint32, WireReader } from './ssh-wire.ts'

const run = promisify(execFile)
const [session, support, stranger] = [generateSigningKey(), generateSigningKey(), generateSigningKey()]
const keys = [
  { key: session, comment: 'gantry-session' },
  { key: support, comment: 'gantry-support' },
]
const options = { username: 'a.tremblay', keys: () => keys }

/** RFC 4252 section 7: what is signed to log on. */
function logOn({
  user = 'a.tremblay',
  service = 'ssh-connection',
  method = 'publickey',
  blob = publicBlob(support.publicJwk),
  tail = Buffer.alloc(0),
} = {}): Buffer {
  return Buffer.concat([
    string(Buffer.alloc(32, 7)),
    Buffer.from([50]),
    ...[user, service, method].map(string),
    Buffer.from([1]),
    string(algorithm),
    string(blob),
    tail,
  ])
}

function askToSign(data: Buffer, blob = publicBlob(support.publicJwk)): Buffer {
  return answerMessage(Buffer.concat([Buffer.from([13]), string(blob), string(data), uint32(0)]), options)
}

const failure = Buffer.from([5])

describe('the key agent signs a log-on and nothing else (R078)', () => {
  test('a log-on of its person is signed with the key that was asked for', () => {
    const data = logOn()
    const answer = new WireReader(askToSign(data))
    expect(answer.byte()).toBe(14)
    const signature = new WireReader(answer.string())
    expect(signature.string().toString()).toBe(algorithm)
    const numbers = new WireReader(signature.string())
    const number = () => Buffer.concat([Buffer.alloc(32), numbers.string()]).subarray(-32)
    const raw = Buffer.concat([number(), number()])
    const key = createPublicKey(publicKeyFrom(support.publicJwk).export({ type: 'spki', format: 'pem' }))
    expect(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, raw)).toBe(true)
  })

  test.each([
    ['an access request (a JWS), which the same key signs elsewhere', Buffer.from('eyJhbGciOiJFUzI1NiJ9.eyJ2ZXJzaW9uIjoxfQ')],
    ['a file, as ssh-keygen -Y sign asks for', Buffer.concat([Buffer.from('SSHSIG'), string('file')])],
    ['the log-on of another account', logOn({ user: 'root' })],
    ['another service', logOn({ service: 'ssh-userauth' })],
    ['another method', logOn({ method: 'hostbased' })],
    ['a log-on with another key than the one that signs', logOn({ blob: publicBlob(session.publicJwk) })],
    ['a log-on with bytes behind it', logOn({ tail: Buffer.from([0]) })],
    ['nothing', Buffer.alloc(0)],
    ['a length beyond the end', uint32(0xffff_ffff)],
  ])('%s is not signed', (_, data) => {
    expect(askToSign(data)).toEqual(failure)
  })

  test('a key that is not here signs nothing', () => {
    const blob = publicBlob(stranger.publicJwk)
    expect(askToSign(logOn({ blob }), blob)).toEqual(failure)
  })

  test.each([1, 17, 18, 19, 22, 25, 27, 255])('message %i (add, remove, lock, extension …) is refused', (kind) => {
    expect(answerMessage(Buffer.from([kind]), options)).toEqual(failure)
  })
})

describe('OpenSSH talks to it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-keys-'))
  const path = join(folder, 'keys')
  const server = createServer((socket) => void serveKeys(socket, options))
  beforeAll(() => new Promise<void>((resolve) => void server.listen(path, resolve)))
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })
  const env = { ...process.env, SSH_AUTH_SOCK: path }

  test('ssh-add -L lists both public keys, the session key first', async () => {
    const { stdout } = await run('ssh-add', ['-L'], { env })
    expect(stdout).toBe(publicLine(session.publicJwk, 'gantry-session') + publicLine(support.publicJwk, 'gantry-support'))
  })

  test('ssh-add -D takes nothing away', async () => {
    await run('ssh-add', ['-D'], { env }).catch(() => undefined)
    const { stdout } = await run('ssh-add', ['-l'], { env })
    expect(stdout.trim().split('\n').length).toBe(2)
  })

  test('ssh-keygen -Y sign gets no signature', async () => {
    const key = join(folder, 'support.pub')
    writeFileSync(key, publicLine(support.publicJwk, 'gantry-support'))
    writeFileSync(join(folder, 'letter'), 'text')
    await expect(run('ssh-keygen', ['-Y', 'sign', '-f', key, '-n', 'file', join(folder, 'letter')], { env })).rejects.toThrow(/refused/)
  })
})
