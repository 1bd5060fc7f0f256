import { once } from 'node:events'
import { type ClientHttp2Session, connect, createServer, type ServerHttp2Session } from 'node:http2'
import { Duplex, duplexPair } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { watchHttp2 } from './http2-watch.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const patienceMs = 1_000
const contentBytes = 1_000_000
const wholeBytes = 8_000_000
type Line = Duplex & { bytesRead: number; bytesWritten: number }

type Path = { letsThroughBytes: number /** Whether what comes after those is taken and lost, or waits for ever. */; swallows?: boolean }

/** As a slow line behind a socket's buffer: 5,000 octets every 20 ms, as long as there are any left to let through. What the other end says comes by at once. */
function slowLine(far: Duplex, { letsThroughBytes, swallows = false }: Path): Line {
  let left = letsThroughBytes
  const timers = new Set<NodeJS.Timeout>()
  const pass = (chunk: Buffer, done: () => void) => {
    const part = chunk.subarray(0, Math.min(5_000, left))
    far.write(part)
    left -= part.length
    if (part.length === chunk.length || (swallows && left === 0)) return done()
    const timer = setTimeout(() => {
      timers.delete(timer)
      pass(chunk.subarray(part.length), done)
    }, 20)
    timers.add(timer)
  }
  closing.push(() => {
    left = 0
    for (const timer of timers) clearTimeout(timer)
  })
  const counts = { bytesRead: 0, bytesWritten: 0 }
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      counts.bytesWritten += chunk.length
      pass(chunk, done)
    },
  })
  far.on('data', (chunk: Buffer) => {
    counts.bytesRead += chunk.length
    line.push(chunk)
  })
  return Object.defineProperties(line, { bytesRead: { get: () => counts.bytesRead }, bytesWritten: { get: () => counts.bytesWritten } }) as Line
}

/** A device that answers a request over such a line, and a client that says nothing until it has the whole, or asks how long the way is. */
async function answerOver({ bytes = contentBytes, asks = false, ...path }: Path & { bytes?: number; asks?: boolean }) {
  const [far, near] = duplexPair()
  const line = slowLine(far, path)
  const silent = Promise.withResolvers<'silent'>()
  const server = createServer({ settings: { initialWindowSize: 4_000_000 } }, (_request, response) => response.end(Buffer.alloc(bytes)))
  server.on('session', (session: ServerHttp2Session) => {
    session.on('error', () => undefined)
    const stop = watchHttp2(session, {
      socket: line,
      patienceMs: () => patienceMs,
      windowBytes: contentBytes,
      receives: () => false,
      onSilent: () => silent.resolve('silent'),
    })
    closing.push(stop, () => session.destroy())
  })
  server.emit('connection', line)
  const client: ClientHttp2Session = connect('http://device', { createConnection: () => near, settings: { initialWindowSize: 4_000_000 } })
  client.on('error', () => undefined)
  closing.push(() => client.destroy())
  let received = 0
  const counts = {
    get bytesRead() {
      return received
    },
    bytesWritten: 0,
  }
  const watch = () => watchHttp2(client, { socket: counts, patienceMs: () => 60_000, windowBytes: wholeBytes, receives: () => true, onSilent: () => undefined })
  client.once('connect', () => (asks ? closing.push(watch()) : client.setLocalWindowSize(wholeBytes)))
  const stream = client.request({ ':method': 'POST', ':path': '/' })
  stream.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  stream.on('error', () => undefined)
  const whole = once(stream, 'end').then(() => 'whole' as const)
  return {
    first: () => Promise.race([whole, silent.promise]),
    silent: silent.promise,
    received: () => received,
    window: () => client.state.effectiveLocalWindowSize ?? Number.NaN,
  }
}

describe('whether the other end still hears (R015, R054)', () => {
  test('a line on which a question would wait for seconds behind the contents is slow, not dead', async () => {
    const answer = await answerOver({ letsThroughBytes: Number.POSITIVE_INFINITY })
    expect(await answer.first()).toBe('whole')
    expect(answer.received()).toBe(contentBytes)
  }, 20_000)

  test('who asks how long the way is has no more under way than the line carries meanwhile (D24)', async () => {
    const answer = await answerOver({ letsThroughBytes: Number.POSITIVE_INFINITY, asks: true })
    expect(await answer.first()).toBe('whole')
    expect(answer.received()).toBe(contentBytes)
    expect(answer.window()).toBeLessThan(wholeBytes / 50)
  }, 20_000)

  test('a path that takes nothing any more is dead', async () => {
    const answer = await answerOver({ letsThroughBytes: 300_000 })
    expect(await answer.first()).toBe('silent')
    expect(answer.received()).toBeLessThan(300_000)
  }, 20_000)

  test('so is one that takes our questions and brings no answer', async () => {
    const answer = await answerOver({ letsThroughBytes: 100, swallows: true, bytes: 0 })
    expect(await answer.silent).toBe('silent')
  }, 20_000)
})
