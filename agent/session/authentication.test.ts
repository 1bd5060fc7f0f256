import { sign } from 'node:crypto'
import ssh2 from 'ssh2'
import { afterEach, describe, expect, test } from 'vitest'
import { generateSigningKey, type SigningKey } from '../../shared/node/signing.ts'
import { connectWith, startTestSession, type TestSession } from '../../test/support/agent-session.ts'
import { createAuthentication } from './authentication.ts'
import { keyType, sshBlob } from './ssh-keys.ts'

describe('the second level, live (R065, R078)', () => {
  let session: TestSession
  afterEach(() => session.close())

  const attempt = async (keys: (own: TestSession['keys']) => SigningKey[], username?: string) => {
    session = startTestSession()
    const leg = await session.dial('control-1')
    return connectWith(session, leg, { keys: keys(session.keys), ...(username ? { username } : {}) }).then(
      () => 'in',
      () => 'out',
    )
  }

  test('session key, then support key: in', async () => {
    expect(await attempt(({ session: first, support }) => [first, support])).toBe('in')
  })

  test.each<[string, (own: TestSession['keys']) => SigningKey[]]>([
    ['the session key alone', ({ session: first }) => [first]],
    ['the session key twice', ({ session: first }) => [first, first]],
    ['the support key alone', ({ support }) => [support]],
    ['the support key first', ({ support, session: first }) => [support, first]],
    ['a stranger’s session key', ({ support }) => [generateSigningKey(), support]],
    ['a stranger’s support key', ({ session: first }) => [first, generateSigningKey()]],
    ['the host key', ({ host, support }) => [host, support]],
  ])('%s: out, and the session ends', async (_name, keys) => {
    expect(await attempt(keys)).toBe('out')
    expect(await session.done).toBe('policy')
    const kinds = session.audited().map(({ event }) => event.kind)
    expect(kinds).toContain('leg.refused')
    expect(kinds.at(-1)).toBe('session.ended')
  })

  test('a support key that came too early may come again in its turn', async () => {
    expect(await attempt(({ support, session: first }) => [support, first, support])).toBe('in')
  })

  test('another username: out, with both right keys (R079)', async () => {
    expect(await attempt(({ session: first, support }) => [first, support], 'somebody.else')).toBe('out')
  })

  test('none, a password and keyboard-interactive are refused, and six failures end it', async () => {
    session = startTestSession()
    const client = new ssh2.Client()
    const offered: unknown[] = []
    const methods = [
      { type: 'none', username: session.username },
      { type: 'password', username: session.username, password: '' },
      {
        type: 'keyboard-interactive',
        username: session.username,
        prompt: (_n: string, _i: string, _l: string, _p: unknown, done: (answers: string[]) => void) => done([]),
      },
    ]
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.on('error', () => undefined)
    client.connect({
      sock: (await session.dial('control-1')) as never,
      username: session.username,
      authHandler: (left, _partial, next) => {
        offered.push(left)
        next((methods[offered.length - 1] ?? methods[1]) as never)
      },
    })
    await closed
    expect(offered.length).toBeLessThanOrEqual(8)
    expect(offered.slice(1).every((left) => JSON.stringify(left) === '["publickey"]')).toBe(true)
    expect(await session.done).toBe('policy')
  })

  test('a signature of another connection is worth nothing', () => {
    const [key, support] = [generateSigningKey(), generateSigningKey()]
    const request = (signed: string, claimed: string) => ({
      method: 'publickey',
      username: 'asha.rao',
      key: { algo: keyType, data: sshBlob(key.publicJwk) },
      signature: sign('sha256', Buffer.from(signed), key.privateKey),
      blob: Buffer.from(claimed),
    })
    const authenticate = createAuthentication({ username: 'asha.rao', sessionKey: key.publicJwk, supportKey: support.publicJwk })
    expect(authenticate(request('exchange hash of that connection', 'exchange hash of this connection'))).toBe('refused')
    expect(authenticate(request('exchange hash of this connection', 'exchange hash of this connection'))).toBe('partial')
  })
})
