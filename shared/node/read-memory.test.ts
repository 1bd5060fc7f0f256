import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, type ClientHttp2Stream, connect, createServer, type Http2Server } from 'node:http2'
import { type AddressInfo, connect as connectTcp, createServer as listenTcp, type Socket } from 'node:net'
import { Duplex, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { drain } from './blocks.ts'
import { giveBack, giveBackWhole, watchBody } from './read-memory.ts'

const bodies = new Map<string, Buffer>()
const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
  bodies.clear()
})

/** A real HTTP/2 connection; each path answers with its body. */
async function start(sizes: readonly number[]): Promise<ClientHttp2Session> {
  for (const [at, size] of sizes.entries()) bodies.set(`/${at}`, randomBytes(size))
  // All twenty bodies wait in the server at first, which is more than the 10 MB that Node lets a session have.
  const server: Http2Server = createServer({ maxSessionMemory: 128 })
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 })
    stream.end(bodies.get(String(headers[':path'])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  open.push(session, server)
  return session
}

function ask(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  const stream = session.request({ ':path': path })
  watchBody(session, stream)
  return stream
}

const hashOf = (octets: Buffer) => createHash('sha256').update(octets).digest('hex')
const expected = (path: string) => hashOf(bodies.get(path) ?? Buffer.alloc(0))

async function drained(stream: ClientHttp2Stream, pause: () => Promise<unknown> = async () => undefined): Promise<string> {
  const hash = createHash('sha256')
  const whole = await drain(stream, async (octets) => {
    hash.update(octets)
    await pause()
  })
  return whole ? hash.digest('hex') : 'cut'
}

describe('the memory of bodies', () => {
  test('is given back as soon as a piece was copied', async () => {
    const session = await start([1_000_000])
    const stream = ask(session, '/0')
    const pieces: Buffer[] = []
    // Before `drain` listens, so it sees each piece first.
    stream.on('data', (piece: Buffer) => pieces.push(piece))
    expect(await drained(stream)).toBe(expected('/0'))
    expect(pieces.length).toBeGreaterThan(50)
    // Not where the buffer ends with the head of the next piece; that one the collector finds.
    expect(pieces.filter(({ length }) => length === 0).length).toBeGreaterThan(pieces.length / 2)
  })

  test('is not, while another stream holds a part of it: what is read late is whole', async () => {
    const sizes = [3_000_000, 60_000, 60_000, 60_000, 2_000_000]
    const session = await start(sizes)
    const streams = sizes.map((_size, at) => ask(session, `/${at}`))
    // The small ones have come, and nobody has looked at them.
    await Promise.all(streams.slice(1, 4).map((stream) => once(stream, 'readable')))
    const large = await Promise.all([0, 4].map((at) => drained(streams[at] as ClientHttp2Stream)))
    const late = await Promise.all(streams.slice(1, 4).map((stream) => drained(stream)))
    expect([...large, ...late]).toEqual(['/0', '/4', '/1', '/2', '/3'].map(expected))
  })

  test('twenty bodies at once, each read at its own pace, are whole', async () => {
    const sizes = Array.from({ length: 20 }, (_, at) => 10_000 + 97_001 * at)
    const session = await start(sizes)
    const pace = (at: number) => async () => {
      for (let turns = at % 5; turns > 0; turns -= 1) await turn()
    }
    const found = await Promise.all(sizes.map((_size, at) => drained(ask(session, `/${at}`), pace(at))))
    expect(found).toEqual(sizes.map((_size, at) => expected(`/${at}`)))
  })

  test('of a stream that nobody watches is left alone, and so is a part of a buffer', async () => {
    const stream = new Readable()
    const whole = Buffer.alloc(20_000, 1)
    giveBack(stream, whole)
    await turn()
    expect(whole.length).toBe(20_000)
    watchBody(stream, stream)
    giveBack(stream, whole.subarray(0, 19_999))
    giveBack(stream, Buffer.from('of the pool'))
    giveBackWhole(whole.subarray(1))
    await turn()
    expect(whole.length).toBe(20_000)
    giveBack(stream, whole.subarray(100))
    await turn()
    expect(whole.length).toBe(0)
    const piece = Buffer.alloc(20_000, 1)
    giveBackWhole(piece)
    expect(piece.length).toBe(0)
  })
})

/** A connection whose writes can be gathered into one, as a network may do. */
class Gathering extends Duplex {
  #held: Buffer[] | null = null
  readonly #socket: Socket
  constructor(socket: Socket) {
    super()
    this.#socket = socket
    socket.on('data', (octets) => this.push(octets))
    socket.once('close', () => this.destroy())
  }
  override _read(): void {}
  override _write(octets: Buffer, _encoding: string, done: () => void): void {
    if (this.#held) this.#held.push(octets)
    else this.#socket.write(octets)
    done()
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
  async inOne(work: () => Promise<unknown>): Promise<void> {
    this.#held = []
    await work()
    this.#socket.write(Buffer.concat(this.#held))
    this.#held = null
  }
}

test('of a stream that Node tells of only after its first octets, nothing is given back', async () => {
  const found = new Map<string, Promise<Buffer>>()
  const server: Http2Server = createServer()
  server.on('session', (session) =>
    session.on('stream', (stream, headers) => {
      watchBody(session, stream)
      const parts: Buffer[] = []
      const whole = drain(stream, async (octets) => void parts.push(Buffer.from(octets))).then(() => Buffer.concat(parts))
      found.set(String(headers[':path']), whole)
    }),
  )
  // Over a stream that is no socket Node tells of new streams only after it has taken in the whole buffer.
  const listener = listenTcp((socket) => server.emit('connection', new Gathering(socket)))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const connection = new Gathering(connectTcp(port, '127.0.0.1'))
  const session = connect(`http://127.0.0.1:${port}`, { createConnection: () => connection })
  open.push(session, listener)
  const ask = (path: string) => session.request({ ':path': path, ':method': 'POST' }, { endStream: false })
  const long = ask('/long')
  long.write('begins')
  await expect.poll(() => found.size).toBe(1)
  const body = randomBytes(300)
  await connection.inOne(async () => {
    ask('/new').end(body)
    await turn()
    long.end(Buffer.alloc(12_000, 7))
    await turn()
  })
  await expect.poll(() => found.size).toBe(2)
  expect((await found.get('/long'))?.length).toBe('begins'.length + 12_000)
  expect(await found.get('/new')).toEqual(body)
})
