import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LegWorld, startLegWorld } from '../../test/support/access-server.ts'
import { AppError } from '../errors.ts'
import type { AccessServerRef } from '../ticket.ts'
import { createDialler } from './dial.ts'
import { openLeg } from './leg.ts'
import { type LinkedLeg, type LinkedLegOptions, type LinkedNetwork, openLinkedLeg } from './link-legs.ts'
import { generateSigningKey } from './signing.ts'

/** Two real access servers, and both ends of one ticket. */
let north: LegWorld
let south: LegWorld
let ticket: Awaited<ReturnType<LegWorld['ticket']>>
const open: LinkedLeg[] = []
beforeEach(async () => {
  north = await startLegWorld({ pairTimeoutMs: 500 })
  south = await startLegWorld({ pairTimeoutMs: 500 }, { name: 'south-1', keys: north.keys })
  ticket = await north.ticket({ fallback: south.ref })
})
afterEach(async () => {
  for (const leg of open.splice(0)) leg.destroy()
  await Promise.all([north.close(), south.close()])
})

function options(side: 'client' | 'agent', change: Partial<LinkedLegOptions> = {}): LinkedLegOptions {
  const { sessionKey, deviceKey } = north
  const [key, peerKey] = side === 'client' ? [sessionKey, deviceKey.publicJwk] : [deviceKey, sessionKey.publicJwk]
  const common = { dial: createDialler({ ca: north.ca }), ticket: ticket.text, ticketId: ticket.payload.id, leg: 'control-1' as const }
  return { ...common, side, key, peerKey, ...change }
}

async function join(side: 'client' | 'agent', change?: Partial<LinkedLegOptions>): Promise<LinkedLeg> {
  const leg = await openLinkedLeg([north.ref, south.ref], options(side, change))
  open.push(leg)
  return leg
}

/** Passes connections on; those that are there when it forgets carry nothing any more, and nobody is told. */
async function startNat(port: number): Promise<{ port: number; forget(): void; close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    near.pipe(far)
    far.pipe(near)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    forget() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )
}

describe('a control leg over two access servers (R025, R028)', () => {
  test('is one stream; both ends have both servers, and mean the same one', async () => {
    const [client, agent] = await Promise.all([join('client'), join('agent')])
    client.end('question')
    agent.end('answer')
    expect(await Promise.all([text(agent), text(client)])).toEqual(['question', 'answer'])
  })

  test('one server that is away is no reason to fail, and is used when it is back', async () => {
    await north.server.close()
    const seen: LinkedNetwork[] = []
    const [client, agent] = await Promise.all([join('client', { onChange: (network) => void seen.push(network) }), join('agent')])
    expect(client.carrier()).toEqual(south.ref)
    await expect.poll(() => client.network().failures).toMatchObject([{ server: north.ref, failure: { code: 'server.unreachable', details: { hop: 'tcp' } } }])
    await north.restart()
    await expect.poll(() => client.network()).toMatchObject({ standby: true, failures: [] })
    await south.server.close()
    await expect.poll(() => [client.carrier(), agent.carrier()]).toEqual([north.ref, north.ref])
    expect(client.servers().map(({ name }) => name)).toEqual(['north-1', 'south-1'])
    expect(seen.at(-1)).toMatchObject({ carrier: north.ref, standby: false, interrupted: false })
  })

  test('where no server can be reached, the first one’s reason is told', async () => {
    await Promise.all([north.server.close(), south.server.close()])
    expect(await codeOf(join('client'))).toBe('server.unreachable')
  })

  test('where the other end does not come, that is told', async () => {
    expect(await codeOf(join('client'))).toBe('leg.peer-missing')
  })

  test('the end that has patience waits on, however often a server says that nobody is there, and is joined when the other comes (D2)', async () => {
    let missed = 0
    const onChange = ({ failures }: LinkedNetwork) => {
      if (failures.some(({ failure }) => failure.code === 'leg.peer-missing')) missed += 1
    }
    const agent = join('agent', { isPatient: () => true, onChange })
    agent.catch(() => undefined)
    await expect.poll(() => missed, { timeout: 20_000 }).toBeGreaterThan(8)
    const client = await join('client')
    client.end('late')
    expect(await text(await agent)).toBe('late')
  })

  test('an abort ends the wait', async () => {
    const stop = new AbortController()
    const opening = codeOf(join('client', { signal: stop.signal }))
    stop.abort(new AppError('access.cancelled'))
    expect(await opening).toBe('access.cancelled')
  })

  test('where every connection falls silent at once, as when a NAT forgets them, new ones are dialled beside them', async () => {
    const nats = [await startNat(north.ref.port), await startNat(south.ref.port)]
    const [first, second] = nats.map(({ port }, at) => ({ ...(at === 0 ? north.ref : south.ref), port })) as [AccessServerRef, AccessServerRef]
    const [client, agent] = await Promise.all([openLinkedLeg([first, second], options('client')), join('agent')])
    open.push(client)
    await expect.poll(() => client.network().standby).toBe(true)
    for (const nat of nats) nat.forget()
    client.write('still here')
    // Without the new connections the old ones would be given up after ten seconds.
    await expect.poll(() => agent.read()?.toString(), { timeout: 8_000 }).toBe('still here')
    for (const nat of nats) nat.close()
  })

  test('what ends one end ends the other, and nobody dials any more', async () => {
    const [client, agent] = await Promise.all([join('client'), join('agent')])
    client.destroy()
    await expect.poll(() => agent.destroyed).toBe(true)
  })
})

describe('nobody else becomes an end of it (R028, D11)', () => {
  test('whoever is admitted with the right ticket key but cannot prove the other end’s key is left', async () => {
    const client = join('client').catch(() => null)
    expect(['leg.refused', 'leg.peer-missing']).toContain(await codeOf(join('agent', { peerKey: generateSigningKey().publicJwk })))
    // The client has seen a good proof and cannot know yet; nothing that it says arrives anywhere.
    const leg = await client
    leg?.write('a secret')
    await expect.poll(() => leg?.state().interrupted ?? true).toBe(true)
    expect(leg?.keptBytes ?? 8).toBe(8)
  })

  test('a proof from another path is no proof on this one: its nonces are others', async () => {
    // A hostile access server that has recorded what the agent once said on a path, and says it again to the client.
    const recorded = await record()
    const dial = createDialler({ ca: north.ca })
    const [own] = await Promise.all([
      openLinkedLeg([south.ref], options('client', { ticket: recorded.ticket, ticketId: recorded.ticketId })).then(
        () => 'joined',
        (error: AppError) => error.code,
      ),
      replay(south.ref, dial, recorded),
    ])
    expect(['leg.refused', 'leg.peer-missing']).toContain(own)
  })

  type Recorded = { ticket: LinkedLegOptions['ticket']; ticketId: LinkedLegOptions['ticketId']; said: Buffer }

  /** What the agent says first on a path of a ticket of its own. */
  async function record(): Promise<Recorded> {
    const other = await south.ticket()
    const common = {
      dial: createDialler({ ca: north.ca }),
      ticket: other.text,
      ticketId: other.payload.id,
      leg: 'control-1' as const,
      epoch: 1,
      link: 1 as const,
    }
    const stop = new AbortController()
    const agent = openLinkedLeg([south.ref], { ...options('agent', { ticket: other.text, ticketId: other.payload.id }), signal: stop.signal }).catch(() => null)
    const listener = await openLeg({ ...common, server: south.ref, side: 'client', key: north.sessionKey })
    const chunks: Buffer[] = []
    listener.on('data', (chunk: Buffer) => chunks.push(chunk))
    listener.write(Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32]), Buffer.alloc(32)]))
    await expect.poll(() => Buffer.concat(chunks).length).toBeGreaterThan(43)
    listener.destroy()
    stop.abort()
    await agent
    return { ticket: other.text, ticketId: other.payload.id, said: Buffer.concat(chunks) }
  }

  async function replay(server: AccessServerRef, dial: LinkedLegOptions['dial'], { ticket: text, ticketId, said }: Recorded): Promise<void> {
    const leg = await openLeg({ dial, server, ticket: text, ticketId, side: 'agent', leg: 'control-1', epoch: 1, link: 1, key: north.deviceKey })
    leg.write(said)
    leg.resume().once('end', () => leg.destroy())
    await new Promise((resolve) => leg.once('close', resolve))
  }
})
