import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, type Failure, toFailure } from '../errors.ts'
import { type AccessServerRef, type CompactJws, type LinkProofPayload, LinkProofPayload as ProofSchema, type PublicJwk } from '../ticket.ts'
import { type LegOptions, openLeg, tryNext } from './leg.ts'
import { Link, type Nonces, type PathOptions } from './link.ts'
import { signJws, verifyJws } from './signing.ts'

/**
 * A control leg: the link over one leg at each access server of the ticket. Each end dials for itself, again and again with rising epochs, until the leg is closed: what is lost is
 * dialled anew at once, then ever more slowly, so that a server that is back is used within seconds.
 */
export type LinkedLegOptions = Omit<LegOptions, 'epoch' | 'link'> & {
  /** The other end's key: the device key for a client, the session key for an agent. */
  peerKey: PublicJwk
  /** Whether the other end may still take its time: while it may, a server's word that it is not there yet is no failure. */
  isPatient?: (() => boolean) | undefined
  onChange?: (network: LinkedNetwork) => void
}
export type LinkedNetwork = {
  carrier: AccessServerRef | null
  standby: boolean
  interrupted: boolean
  /** What the servers that are missing last said, the ticket's first one first. */
  failures: { server: AccessServerRef; failure: Failure }[]
}
export type LinkedLeg = Link & {
  /** The one that carries now, or carried last. */
  carrier(): AccessServerRef
  /** All of them, the carrier first. */
  servers(): AccessServerRef[]
  network(): LinkedNetwork
  tell(): void
}

/**
 * ms. A first dial may take its time (a slow machine, a proxy); later ones are many, and a packet lost on the way must not cost a minute. While nothing carries the pauses stay short;
 * where only the standby is missing, nobody waits for it. In the beginning it is dialled a little later, so that the handshakes do not stand in each other's way.
 */
const redial = { standbyAfterMs: 250, firstMs: 100, interruptedMs: 1_500, standbyMs: 15_000, factor: 2, dialTimeoutMs: 5_000, wellAfterMs: 10_000 } as const
const handshakeTimeoutMs = 10_000
/** Each server is tried so often, or for so long, before a leg that never was is given up: nobody waits longer than 10 s for a plain word (D29). */
const first = { rounds: 2, withinMs: 8_000 } as const

/** Resolves with the first path; the signal is for the time until then. Errors: those of `openLeg`, from the ticket's first server where none answers; an abort throws the signal's reason. */
export async function openLinkedLeg(servers: readonly [AccessServerRef, ...AccessServerRef[]], options: LinkedLegOptions): Promise<LinkedLeg> {
  options.signal?.throwIfAborted()
  const over = new AbortController()
  const failures = new Map<AccessServerRef, unknown>()
  const hurry = createHurry()
  const link = createLinkedLeg(servers, options, failures)
  link.on('interrupted', hurry.now)
  const destroy = () => link.destroy()
  options.signal?.addEventListener('abort', destroy, { once: true })
  const opened = Promise.withResolvers<void>()
  link.once('close', () => {
    over.abort()
    opened.reject(options.signal?.aborted ? options.signal.reason : new AppError('session.ended', { details: { cause: 'connection-lost' } }))
  })
  const startedMs = performance.now()
  const givenUp = new Map<AccessServerRef, unknown>()
  let isOpen = false
  const fail = (server: AccessServerRef, error: unknown, tries: number) => {
    failures.set(server, error)
    link.tell()
    if (!isOpen) hurry.now()
    if (isAwaited(error) && options.isPatient?.()) return
    const isEnough = tries >= first.rounds || performance.now() - startedMs >= first.withinMs - 500
    if (isEnough || !isWorthAnother(error)) givenUp.set(server, error)
    if (givenUp.size < servers.length) return
    // What no server would answer otherwise says more than that one of them is away.
    opened.reject([...givenUp.values()].find((one) => !isWorthAnother(one)) ?? givenUp.get(servers[0]))
  }
  for (const [place, server] of servers.entries()) {
    const onUp = () => {
      isOpen = true
      failures.delete(server)
      opened.resolve()
    }
    // Ends with the link, and only then.
    void keepPath({
      link,
      server,
      options,
      hurry,
      signal: over.signal,
      afterMs: place * redial.standbyAfterMs,
      onUp,
      onDown: (error, tries) => fail(server, error, tries),
    }).catch(() => undefined)
  }
  try {
    await opened.promise
    return link
  } catch (error) {
    link.destroy()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', destroy)
  }
}

function createLinkedLeg(servers: readonly [AccessServerRef, ...AccessServerRef[]], options: LinkedLegOptions, failures: Map<AccessServerRef, unknown>) {
  const byName = new Map(servers.map((server) => [server.name, server]))
  let last: AccessServerRef = servers[0]
  let wasInterrupted = false
  const network = (): LinkedNetwork => {
    const { carrier, standby, interrupted } = link.state()
    const missing = servers.flatMap((server) => (failures.has(server) ? [{ server, failure: toFailure(failures.get(server)) }] : []))
    return { carrier: byName.get(carrier ?? '') ?? null, standby: standby.length > 0, interrupted, failures: missing }
  }
  const tell = () => {
    if (link.destroyed) return
    const now = network()
    last = now.carrier ?? last
    // Once each time: what fails while it lasts is no new reason to hurry.
    if (now.interrupted && !wasInterrupted) link.emit('interrupted')
    wasInterrupted = now.interrupted
    options.onChange?.(now)
  }
  const link = Object.assign(new Link({ role: options.side === 'client' ? 'leads' : 'follows', onChange: () => tell() }), {
    carrier: () => last,
    servers: () => [last, ...servers.filter((server) => server !== last)],
    network,
    tell,
  })
  return link
}

type Hurry = { now(): void; wait(ms: number, signal: AbortSignal): Promise<void>; next(): Promise<void> }

/** A pause that ends early when there is reason to hurry. */
function createHurry(): Hurry {
  let wake = new AbortController()
  return {
    now() {
      wake.abort()
      wake = new AbortController()
    },
    async wait(ms, signal) {
      await sleep(ms, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(() => undefined)
      signal.throwIfAborted()
    },
    next: () => new Promise((resolve) => wake.signal.addEventListener('abort', () => resolve(), { once: true })),
  }
}

type Keep = {
  link: Link
  server: AccessServerRef
  options: LinkedLegOptions
  hurry: Hurry
  signal: AbortSignal
  afterMs: number
  onUp: () => void
  onDown: (error: unknown, tries: number) => void
}

/** Keeps one path up for as long as the link lives. */
async function keepPath({ link, server, options, hurry, signal, afterMs, onUp, onDown }: Keep): Promise<never> {
  if (afterMs > 0) await hurry.wait(afterMs, signal)
  let pauses = 0
  for (let epoch = 1; ; epoch += 1) {
    try {
      const startedMs = performance.now()
      await runPath({ link, server, options, hurry, signal, epoch, onUp })
      // It was up and is gone: that alone is no reason to wait.
      if (performance.now() - startedMs > redial.wellAfterMs) pauses = 0
      onDown(new AppError('server.unreachable', { details: { host: server.host, hop: 'stream' } }), epoch)
    } catch (error) {
      signal.throwIfAborted()
      onDown(error, epoch)
      // That server has held the seat for its time, which was pause enough.
      if (isAwaited(error)) pauses = 0
    }
    const mostMs = link.state().interrupted ? redial.interruptedMs : redial.standbyMs
    const pauseMs = Math.min(redial.firstMs * redial.factor ** pauses, mostMs)
    pauses += 1
    // Both ends lose a path at the same moment; a little chance keeps a thousand sessions from coming back in the same one.
    await hurry.wait(pauseMs * (0.5 + Math.random()), signal)
  }
}

type Run = Omit<Keep, 'onDown' | 'afterMs'> & { epoch: number }

/**
 * Dials, joins, shakes hands, and resolves when the path is gone again, or when nothing carries any more: then another one is dialled beside it, which takes its place, and whichever answers
 * first carries.
 */
async function runPath({ link, server, options, hurry, signal, epoch, onUp }: Run): Promise<void> {
  const leg = await openLeg({ ...options, signal, server, epoch, link: 1, dialTimeoutMs: epoch > first.rounds ? redial.dialTimeoutMs : first.withinMs })
  const closed = new Promise<void>((resolve) => leg.once('close', resolve))
  await link.attach(leg, {
    name: server.name,
    ...createProof(server, epoch, options),
    signal: AbortSignal.any([signal, AbortSignal.timeout(handshakeTimeoutMs)]),
  })
  onUp()
  while (!leg.destroyed) {
    await Promise.race([closed, hurry.next()])
    await hurry.wait(redial.firstMs * Math.random(), signal)
    if (link.state().interrupted) return
  }
}

/** What binds a path to this ticket, leg, epoch and server, under the two keys that the ticket names. */
function createProof(server: AccessServerRef, epoch: number, options: LinkedLegOptions): Pick<PathOptions, 'prove' | 'check'> {
  const { ticketId, leg, side, key, peerKey } = options
  const said = (one: LinkProofPayload['side'], { own, peer }: Nonces): Omit<LinkProofPayload, 'epoch' | 'received'> => {
    const [mine, theirs] = [own.toString('base64url'), peer.toString('base64url')]
    const [clientNonce, agentNonce] = side === 'client' ? [mine, theirs] : [theirs, mine]
    return { version: 1, ticketId, side: one, leg, accessServer: server.name, clientNonce, agentNonce }
  }
  return {
    async prove({ received, nonces }) {
      const payload: LinkProofPayload = { ...said(side, nonces), epoch, received }
      return Buffer.from(await signJws('link', payload, key))
    },
    async check(proof, { received, nonces }) {
      const text = proof.toString('latin1') as CompactJws
      const payload = await verifyJws(text, { type: 'link', schema: ProofSchema, key: peerKey, failure: 'leg.refused' })
      const expected = said(side === 'client' ? 'agent' : 'client', nonces)
      const same = Object.entries(expected).every(([name, value]) => payload[name as keyof LinkProofPayload] === value)
      if (!same || payload.received !== received) throw new AppError('leg.refused', { details: { what: 'link' } })
    },
  }
}

function isAwaited(error: unknown): boolean {
  return error instanceof AppError && error.code === 'leg.peer-missing'
}

function isWorthAnother(error: unknown): boolean {
  return error instanceof AppError ? tryNext.has(error.code) : true
}
