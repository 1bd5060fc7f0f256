import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { requestLimits } from '../../shared/access-request.ts'
import { AppError } from '../../shared/errors.ts'
import type { Opening } from '../../shared/leg.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { type LegOptions, openingHead, openLeg } from '../../shared/node/leg.ts'
import { readUntil } from '../../shared/node/read-until.ts'
import { generateSigningKey, signJws } from '../../shared/node/signing.ts'
import type { AdmissionPayload } from '../../shared/ticket.ts'
import { health, type LegWorld, startLegWorld } from '../../test/support/access-server.ts'

const worlds: LegWorld[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.close()
})

async function start(...args: Parameters<typeof startLegWorld>): Promise<LegWorld> {
  const world = await startLegWorld(...args)
  worlds.push(world)
  return world
}

type Ticket = Awaited<ReturnType<LegWorld['ticket']>>

function open(world: LegWorld, ticket: Ticket, change: Partial<LegOptions> & Pick<LegOptions, 'side'>): Promise<Duplex> {
  const { ref, ca, sessionKey, deviceKey } = world
  const key = change.side === 'client' ? sessionKey : deviceKey
  return openLeg({ server: ref, dial: createDialler({ ca }), ticket: ticket.text, ticketId: ticket.payload.id, leg: 'control-1', epoch: 1, key, ...change })
}

const both = (world: LegWorld, ticket: Ticket, change: Partial<LegOptions> = {}) =>
  Promise.all([open(world, ticket, { side: 'client', ...change }), open(world, ticket, { side: 'agent', ...change })])

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : String(error)
  }
}

/** Everything until the end of the stream. */
async function readAll(stream: Duplex): Promise<string> {
  let text = ''
  try {
    for await (const chunk of stream) text += chunk
  } catch {
    // A cut connection ends what there was to read.
  }
  return text
}

async function connect(world: LegWorld) {
  return createDialler({ ca: world.ca })({ host: world.ref.host, port: world.ref.port, allowHalfOpen: true })
}

function audited(world: LegWorld): { kind: string; data: Record<string, unknown> }[] {
  const lines = readFileSync(join(world.stateDir, 'audit.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line).event)
}

describe('two ends with a ticket', () => {
  test('are joined, whoever comes first, and hear each other', async () => {
    const world = await start()
    for (const first of ['client', 'agent'] as const) {
      const ticket = await world.ticket()
      const one = open(world, ticket, { side: first })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const two = await open(world, ticket, { side: first === 'client' ? 'agent' : 'client' })
      const other = await one
      other.end('hello')
      two.end('there')
      expect(await Promise.all([readAll(other), readAll(two)])).toEqual(['there', 'hello'])
    }
  })

  test('end their directions one by one', async () => {
    const world = await start()
    const [client, agent] = await both(world, await world.ticket())
    client.end('question')
    expect(await readAll(agent)).toBe('question')
    agent.write('a late ')
    agent.end('answer')
    expect(await readAll(client)).toBe('a late answer')
  })

  test('get 50 MB through in both directions at once, unaltered, and the server keeps none of it', async () => {
    const world = await start()
    const [client, agent] = await both(world, await world.ticket())
    const before = process.memoryUsage().rss
    const [there, back] = await Promise.all([send(client, agent, 50), send(agent, client, 50)])
    expect(there.received).toBe(there.sent)
    expect(back.received).toBe(back.sent)
    // Both ends and the server are this one process.
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000)
  })

  test('are slowed down by a reader that does not read', async () => {
    const world = await start()
    const [client] = await both(world, await world.ticket())
    const chunk = Buffer.alloc(65_536)
    let accepted = 0
    // What sockets and streams hold between the two ends is a few megabytes; without back-pressure this would go on for ever.
    while (accepted < 200_000_000) {
      if (!client.write(chunk) && !(await drainsSoon(client))) break
      accepted += chunk.length
    }
    expect(accepted).toBeLessThan(64_000_000)
    client.destroy()
  })
})

async function drainsSoon(stream: Duplex): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  stream.once('drain', () => resolve(true))
  setTimeout(() => resolve(false), 500)
  return promise
}

async function send(from: Duplex, to: Duplex, megabytes: number): Promise<{ sent: string; received: string }> {
  const sent = createHash('sha256')
  const received = createHash('sha256')
  const reading = (async () => {
    for await (const chunk of to) received.update(chunk)
  })()
  for (let index = 0; index < megabytes; index++) {
    const chunk = randomBytes(1_000_000)
    sent.update(chunk)
    if (!from.write(chunk)) await new Promise((resolve) => from.once('drain', resolve))
  }
  from.end()
  await reading
  return { sent: sent.digest('hex'), received: received.digest('hex') }
}

describe('nobody else gets a byte through (R028, R063)', () => {
  test('a ticket of another signer, an altered one, and one for another server', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const foreign = await signJws('ticket', ticket.payload, generateSigningKey())
    expect(await codeOf(open(world, { ...ticket, text: foreign }, { side: 'client' }))).toBe('ticket.bad')
    const [header = '', payload = '', signature = ''] = ticket.text.split('.')
    const altered = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), minutes: 480 })).toString('base64url')
    expect(await codeOf(open(world, { ...ticket, text: `${header}.${altered}.${signature}` }, { side: 'client' }))).toBe('ticket.bad')
    const elsewhere = await world.ticket({ accessServer: { ...world.ref, name: 'south-1' } })
    expect(await codeOf(open(world, elsewhere, { side: 'client' }))).toBe('ticket.bad')
    expect(await codeOf(open(world, ticket, { side: 'client', ticket: await signJws('admission', ticket.payload, world.ticketKey) }))).toBe('ticket.bad')
  })

  test('a ticket is good at its fallback', async () => {
    const world = await start()
    const ticket = await world.ticket({ accessServer: { ...world.ref, name: 'south-1' }, fallback: world.ref })
    const legs = await both(world, ticket)
    expect(legs).toHaveLength(2)
  })

  test('the ticket alone, without the key it names', async () => {
    const world = await start()
    const ticket = await world.ticket()
    expect(await codeOf(open(world, ticket, { side: 'client', key: generateSigningKey() }))).toBe('leg.refused')
    expect(await codeOf(open(world, ticket, { side: 'agent', key: world.sessionKey }))).toBe('leg.refused')
    expect(await codeOf(open(world, ticket, { side: 'client', key: world.deviceKey }))).toBe('leg.refused')
  })

  test('an expired ticket, though an open session may open further legs', async () => {
    let offsetMs = 0
    const world = await start({}, { now: () => Date.now() + offsetMs })
    const ticket = await world.ticket({ minutes: 20 })
    await both(world, ticket)
    const late = await world.ticket()
    offsetMs = 10 * 60_000
    expect(await codeOf(open(world, late, { side: 'client' }))).toBe('ticket.expired')
    await both(world, ticket, { leg: 'files-1' })
    // A person at the device may have given it more time than its ticket names; no session lasts longer than this.
    offsetMs = 25 * 60_000
    await both(world, ticket, { leg: 'files-3' })
    offsetMs = (requestLimits.maxMinutes + 5) * 60_000
    expect(await codeOf(open(world, ticket, { side: 'client', leg: 'files-2' }))).toBe('ticket.expired')
  })

  test('an admission recorded from another connection, since its nonce is not this one', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const opening: Opening = { version: 1, ticket: ticket.text, side: 'client', leg: 'control-1', epoch: 1, link: 'none' }
    const first = await step(world, opening)
    const admission: AdmissionPayload = {
      version: 1,
      ticketId: ticket.payload.id,
      side: 'client',
      leg: 'control-1',
      epoch: 1,
      accessServer: 'north-1',
      nonce: first.nonce,
    }
    const jws = await signJws('admission', admission, world.sessionKey)
    const second = await step(world, opening)
    second.socket.write(`${jws}\n`)
    expect(await readAll(second.socket)).toBe('{"ok":false,"failure":{"code":"leg.refused"}}\n')
    first.socket.destroy()
  })

  test.each([
    ['another leg', { leg: 'control-2' }],
    ['another epoch', { epoch: 2 }],
    ['another server name', { accessServer: 'south-1' }],
    ['the other side', { side: 'agent' }],
    ['another ticket', { ticketId: 'tkt_aaaaaaaaaaaaaaaaaaaa' }],
    ['a further field', { more: true }],
  ])('an admission that says %s', async (_what, change) => {
    const world = await start()
    const ticket = await world.ticket()
    const { socket, nonce } = await step(world, { version: 1, ticket: ticket.text, side: 'client', leg: 'control-1', epoch: 1, link: 'none' })
    const said = { version: 1, ticketId: ticket.payload.id, side: 'client', leg: 'control-1', epoch: 1, accessServer: 'north-1', nonce, ...change }
    socket.write(`${await signJws('admission', said, world.sessionKey)}\n`)
    expect(await readAll(socket)).toBe('{"ok":false,"failure":{"code":"leg.refused"}}\n')
  })

  test('what a stranger sends never reaches the end that waits', async () => {
    const world = await start({ pairTimeoutMs: 400 })
    const ticket = await world.ticket()
    const waiting = codeOf(open(world, ticket, { side: 'agent' }))
    const stranger = await connect(world)
    const opening: Opening = { version: 1, ticket: ticket.text, side: 'client', leg: 'control-1', epoch: 1, link: 'none' }
    stranger.write(`${openingHead(world.ref, opening)}not an admission\nSSH-2.0-stranger\r\n`)
    expect(await readAll(stranger)).toContain('leg.refused')
    expect(await waiting).toBe('leg.peer-missing')
    expect(audited(world).filter(({ kind }) => kind === 'leg.paired')).toEqual([])
  })
})

async function step(world: LegWorld, opening: Opening) {
  const socket = await connect(world)
  socket.write(openingHead(world.ref, opening))
  const head = (await readUntil(socket, '\r\n\r\n', { maxBytes: 16_384 })).toString()
  return { socket, nonce: /Gantry-Nonce: (\S+)/.exec(head)?.[1] ?? '' }
}

describe('limits before authentication (R063)', () => {
  test('the TLS below has a key agreement that outlasts a quantum computer (R060)', async () => {
    const socket = await connect(await start())
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: 'X25519MLKEM768' })
    socket.destroy()
  })

  test('a slow head is cut off', async () => {
    const world = await start({ openingTimeoutMs: 300 })
    const socket = await connect(world)
    socket.write('GET /tunnel HTTP/1.1\r\n')
    expect(await readAll(socket)).toContain('leg.refused')
  })

  test('so is a TLS handshake that never comes', async () => {
    const world = await start({ openingTimeoutMs: 300 })
    const { connect: connectTcp } = await import('node:net')
    const socket = connectTcp(world.ref.port, world.ref.host)
    expect(await readAll(socket)).toBe('')
  })

  test('and an admission that never comes', async () => {
    const world = await start({ openingTimeoutMs: 300 })
    const ticket = await world.ticket()
    const { socket } = await step(world, { version: 1, ticket: ticket.text, side: 'client', leg: 'control-1', epoch: 1, link: 'none' })
    expect(await readAll(socket)).toContain('leg.refused')
  })

  test('a head or an admission that is too long is refused', async () => {
    const world = await start()
    const socket = await connect(world)
    socket.write(`GET /tunnel HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(20_000)}\r\n\r\n`)
    expect(await readAll(socket)).toContain('contract.too-large')
    const ticket = await world.ticket()
    const admitted = await step(world, { version: 1, ticket: ticket.text, side: 'client', leg: 'control-1', epoch: 1, link: 'none' })
    admitted.socket.write('a'.repeat(5_000))
    expect(await readAll(admitted.socket)).toContain('contract.too-large')
  })

  test.each([
    ['junk', '\u0000\u0001\u0002\r\n\r\n'],
    ['another version', 'GET /tunnel HTTP/1.0\r\nHost: x\r\n\r\n'],
    ['another method', 'POST /tunnel HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a body', 'GET /tunnel HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc'],
    ['no opening', 'GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: gantry-tunnel/1\r\n\r\n'],
    ['a folded header', 'GET /tunnel HTTP/1.1\r\nHost: x\r\n more\r\n\r\n'],
    ['a header twice', 'GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'],
  ])('%s is answered with a refusal, and the server lives on', async (_what, text) => {
    const world = await start()
    const socket = await connect(world)
    socket.write(text)
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 4\d\d /)
    await both(world, await world.ticket())
  })

  test('one address may open a few connections at once, and an admitted leg is no longer one of them', async () => {
    const world = await start({ maxOpeningPerAddress: 3, openingTimeoutMs: 2_000 })
    await both(world, await world.ticket())
    await both(world, await world.ticket())
    const idle = await Promise.all([connect(world), connect(world), connect(world)])
    expect(await codeOf(connect(world))).toBe('server.unreachable')
    for (const socket of idle) socket.destroy()
    await expect.poll(async () => codeOf(both(world, await world.ticket())), { timeout: 5_000 }).toBe('none')
  })
})

describe('a flood of slow connections', () => {
  test('keeps nobody out: where all places are taken, the slowest makes room (goal D30)', async () => {
    // Of one try the agent alone may get in; the next try's client meets it, and the next agent then waits for nobody. It has to give up soon.
    const world = await start({ maxOpening: 4, openingTimeoutMs: 19_000, pairTimeoutMs: 300 })
    const slow = await Promise.all([1, 2, 3, 4].map(() => connect(world)))
    for (const socket of slow) socket.write('GET /tunnel HTTP/1.1\r\n')
    const ticket = await world.ticket()
    expect(await codeOf(open(world, ticket, { side: 'client' }))).toBe('server.unreachable')
    let epoch = 1
    await expect.poll(() => codeOf(both(world, ticket, { epoch: ++epoch }).then((pair) => pair.map((leg) => leg.destroy())))).toBe('none')
    for (const socket of slow) socket.destroy()
  })
})

describe('pairing', () => {
  test('an end waits for the other for a limited time', async () => {
    const world = await start({ pairTimeoutMs: 200 })
    expect(await codeOf(open(world, await world.ticket(), { side: 'client' }))).toBe('leg.peer-missing')
  })

  test('legs of one ticket are kept apart by their names', async () => {
    const world = await start({ pairTimeoutMs: 300 })
    const ticket = await world.ticket()
    const codes = await Promise.all([codeOf(open(world, ticket, { side: 'client' })), codeOf(open(world, ticket, { side: 'agent', leg: 'files-1' }))])
    expect(codes).toEqual(['leg.peer-missing', 'leg.peer-missing'])
  })

  test('a higher epoch replaces a leg that waits; the same epoch does not', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const older = codeOf(open(world, ticket, { side: 'client' }))
    await expect.poll(() => audited(world).filter(({ kind }) => kind === 'leg.admitted').length).toBe(1)
    expect(await codeOf(open(world, ticket, { side: 'client' }))).toBe('leg.refused')
    const opening = open(world, ticket, { side: 'client', epoch: 2 })
    // Only then the agent: whichever client waits is the one that it meets.
    expect(await older).toBe('leg.replaced')
    const agent = await open(world, ticket, { side: 'agent', epoch: 2 })
    const client = await opening
    client.end('from epoch 2')
    expect(await readAll(agent)).toBe('from epoch 2')
  })

  test('a higher epoch replaces a joined pair as a whole', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const [oldClient, oldAgent] = await both(world, ticket)
    const ends = Promise.all([readAll(oldClient), readAll(oldAgent)])
    const [client, agent] = await both(world, ticket, { epoch: 2 })
    expect(await ends).toEqual(['', ''])
    agent.end('still here')
    expect(await readAll(client)).toBe('still here')
  })

  test('ends that disagree about the link are not joined', async () => {
    const world = await start({ pairTimeoutMs: 300 })
    const ticket = await world.ticket()
    const codes = await Promise.all([codeOf(open(world, ticket, { side: 'client', link: 1 })), codeOf(open(world, ticket, { side: 'agent' }))])
    expect(codes.sort()).toEqual(['leg.peer-missing', 'leg.refused'])
  })
})

describe('the audit of an access server (R092)', () => {
  test('tells each leg by its metadata, and knows how many bytes went which way', async () => {
    const world = await start()
    const ticket = await world.ticket()
    const [client, agent] = await both(world, ticket)
    client.end('12345')
    agent.end('123')
    await Promise.all([readAll(client), readAll(agent)])
    await expect
      .poll(() => audited(world).map(({ kind }) => kind))
      .toEqual(['log.opened', 'server.started', 'leg.admitted', 'leg.admitted', 'leg.paired', 'leg.closed'])
    expect(audited(world).at(-1)?.data).toMatchObject({ ticketId: ticket.payload.id, leg: 'control-1', bytesFromClient: 5, bytesFromAgent: 3, cause: 'ended' })
  })

  test('a flood of refusals is a line, not a flood', async () => {
    const world = await start()
    for (let index = 0; index < 30; index++) {
      const socket = await connect(world)
      socket.write('junk\r\n\r\n')
      await readAll(socket)
    }
    expect(audited(world).filter(({ kind }) => kind === 'leg.refused')).toHaveLength(1)
    await world.server.close()
    expect(
      audited(world)
        .filter(({ kind }) => kind === 'leg.refused')
        .map(({ data }) => data.count),
    ).toEqual([undefined, 29])
  })
})

describe('health and drain', () => {
  test('a bulletin is not to be had from one that has none', async () => {
    const world = await start()
    const socket = await connect(world)
    socket.write('GET /bulletin HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await readAll(socket)).toMatch(/^HTTP\/1\.1 503 .*no-bulletin/s)
  })

  test('says how it is, without a ticket', async () => {
    const world = await start()
    expect(await health(world)).toEqual({ status: 200, body: { status: 'ok', name: 'north-1', site: 'North', region: 'anywhere', waiting: 0, pairs: 0 } })
  })

  const check = 'GET /check HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: gantry-check/1\r\n\r\n'

  test('R017: gives a device’s self-test its line back after a 101, with the time, and nothing more', async () => {
    const world = await start()
    const socket = await connect(world)
    socket.write(check)
    const head = (await readUntil(socket, '\r\n\r\n', { maxBytes: 1_000 })).toString()
    expect(head).toMatch(/^HTTP\/1\.1 101 .*\r\nUpgrade: gantry-check\/1$/s)
    expect(Math.abs(Date.parse(/\r\nDate: (.*)\r\n/.exec(head)?.[1] ?? '') - Date.now())).toBeLessThan(60_000)
    socket.write('a line\nand more\n')
    expect(await readAll(socket)).toBe('a line\n')
  })

  test('a self-test that says too much, or nothing, is cut off', async () => {
    const world = await start({ openingTimeoutMs: 300 })
    for (const said of ['a'.repeat(100), '']) {
      const socket = await connect(world)
      socket.write(check + said)
      await readUntil(socket, '\r\n\r\n', { maxBytes: 1_000 })
      expect(await readAll(socket)).toBe('')
    }
  })

  test('while draining, joined legs go on, new ones are told to go elsewhere, and health says so', async () => {
    const world = await start({ drainMs: 5_000 })
    const ticket = await world.ticket()
    const [client, agent] = await both(world, ticket)
    const closing = world.server.close()
    expect(await codeOf(open(world, ticket, { side: 'client', leg: 'files-1' }))).toBe('leg.draining')
    expect(await health(world)).toMatchObject({ status: 503, body: { status: 'draining', pairs: 1 } })
    client.end('to the last byte')
    agent.end()
    expect(await readAll(agent)).toBe('to the last byte')
    await closing
  })
})
