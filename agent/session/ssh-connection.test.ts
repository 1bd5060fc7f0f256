import type { Duplex } from 'node:stream'
import ssh2, { type Client } from 'ssh2'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { generateSigningKey, type SigningKey } from '../../shared/node/signing.ts'
import { wire } from '../../test/support/wire.ts'
import { type SshConnectionOptions, serveSsh } from './ssh-connection.ts'

const keys = { session: generateSigningKey(), support: generateSigningKey(), host: generateSigningKey() }
const sec1 = (key: SigningKey) => key.privateKey.export({ type: 'sec1', format: 'pem' }).toString()

function serve(options: Partial<SshConnectionOptions> = {}) {
  const [leg, far] = wire()
  far.on('error', () => undefined)
  const refused: string[] = []
  const end = serveSsh({
    leg,
    hostKey: keys.host.privateKey,
    person: { username: 'asha.rao', sessionKey: keys.session.publicJwk, supportKey: keys.support.publicJwk },
    onRefused: (what) => void refused.push(what),
    onReady: (connection) => {
      connection.on('session', (accept) => {
        accept().on('exec', (acceptExec) => {
          const channel = acceptExec()
          channel.on('data', (chunk: Buffer) => channel.write(chunk))
          channel.on('end', () => {
            channel.exit(0)
            channel.end()
          })
        })
      })
    },
    signal: new AbortController().signal,
    ...options,
  })
  return { far, end, refused }
}

async function connect(sock: Duplex, change: (client: Client) => void = () => undefined, algorithms?: object): Promise<Client> {
  const client = new ssh2.Client()
  const offers = [keys.session, keys.support].map((key) => ({ type: 'publickey', username: 'asha.rao', key: sec1(key) }))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  client.once('ready', resolve)
  client.on('error', reject)
  client.once('close', () => reject(new Error('closed')))
  client.connect({
    sock: sock as never,
    username: 'asha.rao',
    authHandler: (_l, _p, next) => next((offers.shift() ?? false) as never),
    ...(algorithms ? { algorithms } : {}),
  })
  change(client)
  await promise
  return client
}

describe('the SSH server of a control leg', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('waits for a client that says nothing for an hour: how long is the link’s to say (R015, D24)', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const { far, end } = serve()
    const client = await connect(far)
    far.pause()
    for (let seconds = 0; seconds < 3_600; seconds += 15) {
      await vi.advanceTimersByTimeAsync(15_000)
    }
    far.resume()
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => client.exec('echo', (error, one) => (error ? reject(error) : resolve(one))))
    channel.end('still here')
    expect(String(await channel.toArray())).toBe('still here')
    client.end()
    expect(await end).toBe('goodbye')
  })

  test('speaks AES-GCM, ECDSA P-256 and strict key exchange, and nothing else (R060)', async () => {
    const { far } = serve()
    const negotiated = Promise.withResolvers<unknown>()
    await connect(far, (client) => client.once('handshake', negotiated.resolve))
    expect(await negotiated.promise).toMatchObject({
      serverHostKey: 'ecdsa-sha2-nistp256',
      cs: { cipher: expect.stringMatching(/^aes(128|256)-gcm@openssh.com$/), compress: 'none' },
    })
  })

  test.each([
    ['chacha20-poly1305', { cipher: ['chacha20-poly1305@openssh.com'] }],
    ['aes256-ctr', { cipher: ['aes256-ctr'] }],
    ['diffie-hellman-group14-sha1', { kex: ['diffie-hellman-group14-sha1'] }],
    ['ssh-ed25519 host keys', { serverHostKey: ['ssh-ed25519'] }],
    ['compression alone', { compress: ['zlib'] }],
  ])('%s: no agreement', async (_name, algorithms) => {
    const { far, end } = serve()
    await expect(connect(far, undefined, algorithms)).rejects.toThrow()
    far.destroy()
    expect(await end).toBe('refused')
  })

  test('a client without strict key exchange is not let in (CVE-2023-48795)', async () => {
    const { far, end } = serve()
    const forget = (client: Client) => {
      const { _protocol: protocol } = client as unknown as { _protocol: { _offer: { lists: { all: Buffer } } } }
      const { all } = protocol._offer.lists
      all.write('kex-absent-c', all.indexOf('kex-strict-c'))
    }
    // Algorithms of its own, or ssh2 shares one offer among all clients.
    const lax = connect(far, forget, { compress: ['none'] })
    await expect(lax).rejects.toThrow('closed')
    expect(await end).toBe('refused')
  })

  test('new keys are agreed on in the middle of a transfer without a lost byte (RFC 4253 section 9)', async () => {
    const { far } = serve({ limits: { rekeyBytes: 2_000_000 } })
    let rekeyed = 0
    const client = await connect(far, (one) => one.on('handshake', () => void rekeyed++))
    const octets = Buffer.alloc(20_000_000)
    for (let index = 0; index < octets.length; index += 4) octets.writeUInt32BE(index, index)
    const back = await new Promise<Buffer>((resolve, reject) => {
      client.exec('echo', (error, channel) => {
        if (error) return reject(error)
        const parts: Buffer[] = []
        channel.on('data', (part: Buffer) => parts.push(part))
        channel.once('close', () => resolve(Buffer.concat(parts)))
        channel.end(octets)
      })
    })
    expect(back.equals(octets)).toBe(true)
    expect(rekeyed).toBeGreaterThan(5)
  })

  test('who does not prove both keys in time is cut off', async () => {
    const { end } = serve({ limits: { authenticationMs: 50 } })
    expect(await end).toBe('refused')
  })

  test('octets that are no SSH end it at once', async () => {
    const { far, end } = serve()
    far.write('GET / HTTP/1.1\r\n\r\n'.repeat(2_000))
    far.resume()
    expect(await end).toBe('refused')
  })

  test('a goodbye and a cut are told apart; an abort says goodbye', async () => {
    const one = serve()
    ;(await connect(one.far)).end()
    expect(await one.end).toBe('goodbye')

    const two = serve()
    const client = await connect(two.far)
    client.on('error', () => undefined)
    two.far.destroy()
    expect(await two.end).toBe('lost')

    const controller = new AbortController()
    const three = serve({ signal: controller.signal })
    const closed = new Promise<void>((resolve) => void connect(three.far).then((other) => other.once('close', () => resolve())))
    setTimeout(() => controller.abort(), 200)
    await closed
    await three.end
  })
})
