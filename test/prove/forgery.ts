import { checkAdmission, checkOpening } from '../../cloud/access-server/admit.ts'
import { newId } from '../../shared/ids.ts'
import type { Opening } from '../../shared/leg.ts'
import { generateSigningKey, newNonce, type SigningKey, signJws, signTextNow } from '../../shared/node/signing.ts'
import type { AdmissionPayload, CompactJws, Hash } from '../../shared/ticket.ts'
import { now, people, trust, World } from '../support/access-world.ts'
import type { AccessDelivery, Change } from '../support/people.ts'
import { createDraw, type Draw, editCharacter, editField, editText, hmacTicket, read, reheaded, twice } from './forged.ts'
import { codeOf, type Proof, type Row, row } from './proof.ts'

export const forgery: Proof = {
  name: 'forgery',
  title: 'A grant cannot be replayed, and not be forged',
  covers: ['D11', 'R062', 'R078', 'T2', 'T3'],
  method:
    'Valid requests, tickets and admissions, each signed anew, and one thing wrong with each: by kinds that a seed mixes. The device’s own handling of requests gets them in memory, with a policy that allows everything without a person, and the access server’s own check of openings and admissions. A control before and after each kind opens.',
  async run({ quick, seed, say }) {
    const draw = createDraw(seed)
    const rows: Row[] = []
    const each = Math.ceil((quick ? 300 : 5_000) / (deviceKinds.length + legKinds.length))
    let tried = 0
    for (const { name, forge } of deviceKinds) {
      const came = await tryDevice(forge, draw, each)
      tried += each
      say(`${name}: ${came.text}`)
      rows.push(row(`device: ${name}`, `0 of ${each} open, each refusal audited with its reason`, came.text, came.holds))
    }
    for (const { name, forge } of legKinds) {
      const came = await tryLeg(forge, draw, each)
      tried += each
      say(`${name}: ${came.text}`)
      rows.push(row(`access server: ${name}`, `0 of ${each} admitted`, came.text, came.holds))
    }
    return [...rows, row('forgeries and replays in all', quick ? '300' : '5,000', String(tried), tried >= (quick ? 300 : 5_000))]
  },
}

const device = { deviceId: trust.deviceId as never, deviceKey: trust.deviceKey }
const make = async (change: Change = {}): Promise<AccessDelivery> => (await people.request(device, change)).delivery
const stranger = generateSigningKey()
/** Of an access server, with which it says that it is there. */
const beatKey = generateSigningKey()

/** What the device is given after it has taken `good`; with `null`: `good` itself is to be the forgery. */
type Forge = (draw: Draw) => Promise<{ before?: AccessDelivery; restart?: boolean; forged: AccessDelivery }>
const single =
  (change: (draw: Draw) => Change | Promise<Change>): Forge =>
  async (draw) => ({ forged: await make(await change(draw)) })
const altered =
  (alter: (delivery: AccessDelivery, draw: Draw) => AccessDelivery | Promise<AccessDelivery>): Forge =>
  async (draw) => ({
    forged: await alter(await make(), draw),
  })

const deviceKinds: { name: string; forge: Forge }[] = [
  { name: 'the same delivery again', forge: async () => again(await make()) },
  { name: 'the same ticket in another delivery', forge: async () => again(await make(), (one) => ({ ...one, id: newId('dlv') })) },
  { name: 'the same ticket after a restart', forge: async () => ({ ...(await again(await make(), (one) => ({ ...one, id: newId('dlv') }))), restart: true }) },
  {
    name: 'the same request under a new ticket',
    async forge() {
      const first = await people.request(device)
      const second = await people.request(device, { request: first.request, ticket: { id: newId('tkt') } })
      return { before: first.delivery, forged: { ...second.delivery, request: first.delivery.request } }
    },
  },
  { name: 'for another device', forge: single(() => ({ request: { deviceId: newId('dev') } })) },
  { name: 'for this device under another key', forge: single(() => ({ ticket: { deviceKey: stranger.publicJwk } })) },
  {
    name: 'another person’s certificate beside it',
    forge: single(async () => ({ certificate: await people.certificate({ specialistId: newId('spc'), name: 'Somebody else' }) })),
  },
  {
    name: 'a person who is certified and not on the roster',
    forge: single(async () => {
      const [specialist, support, specialistId] = [generateSigningKey(), generateSigningKey(), newId('spc') as never]
      const certificate = await people.certificate({ specialistId, specialistKey: specialist.publicJwk, supportKey: support.publicJwk })
      return { certificate, request: { specialistId }, signers: { specialist, support } }
    }),
  },
  { name: 'one field of a signed text edited', forge: altered((delivery, draw) => editField(delivery, draw)) },
  { name: 'one character of a signed text edited', forge: altered((delivery, draw) => editCharacter(delivery, draw)) },
  { name: 'alg none', forge: altered((delivery, draw) => reheaded(delivery, draw, { alg: 'none' }, '')) },
  { name: 'HMAC with the public key as its secret', forge: altered(hmacTicket) },
  {
    name: 'a header that names its own key, another algorithm or another kind',
    forge: altered((delivery, draw) =>
      reheaded(
        delivery,
        draw,
        draw.of([{ jwk: stranger.publicJwk }, { kid: '../x' }, { alg: 'ES384' }, { typ: 'JWT' }, { crit: ['b64'], b64: false }, { alg: 'RS256' }]),
      ),
    ),
  },
  { name: 'out of its time', forge: single((draw) => ({ nowSeconds: now - 430 - draw.below(1_000_000) })) },
  { name: 'from the future', forge: single((draw) => ({ nowSeconds: now + 130 + draw.below(1_000_000) })) },
  { name: 'a name that comes twice in the ticket, under the right key', forge: altered(twice) },
  {
    name: 'a list or a wildcard where one word belongs, under the right keys',
    forge: altered(async (delivery, draw) => {
      const payload = {
        ...read(delivery.ticket),
        ...draw.of([
          { access: 'os,files' },
          { access: '*' },
          { access: ['os'] },
          { deviceId: '*' },
          { specialistId: ['*'] },
          { minutes: '30' },
          { minutes: 1e9 },
        ]),
      }
      return { ...delivery, ticket: signTextNow('ticket', JSON.stringify(payload), people.ticketKey.privateKey) }
    }),
  },
  { name: 'with the main server’s ticket key alone', forge: single(() => ({ signers: { specialist: people.ticketKey, support: people.ticketKey } })) },
  {
    name: 'with the main server’s ticket key and a certificate of its own making',
    forge: single(async () => ({
      signers: { specialist: stranger, support: stranger },
      certificate: await people.certificate({ specialistKey: stranger.publicJwk, supportKey: stranger.publicJwk }, people.ticketKey),
    })),
  },
  { name: 'with an access server’s key alone', forge: single(() => ({ signers: { specialist: beatKey, support: beatKey, ticket: beatKey } })) },
  { name: 'with the specialist key and not the support key', forge: single(() => ({ signers: { support: people.specialist } })) },
  {
    name: 'with both of the person’s keys and no ticket key',
    forge: single((draw) => ({ signers: { ticket: draw.of([people.specialist, people.support, stranger]) } })),
  },
  {
    name: 'with the authority’s key alone',
    forge: single(() => ({ signers: { specialist: people.authority, support: people.authority, ticket: people.authority } })),
  },
  {
    name: 'a ticket for more than was asked',
    forge: single((draw) => draw.of([{ ticket: { minutes: 480 } }, { request: { access: 'files' as const }, ticket: { access: 'os' as const } }])),
  },
]

async function again(good: AccessDelivery, change: (one: AccessDelivery) => AccessDelivery = (one) => one) {
  return { before: good, forged: change(good) }
}

/** A world for each forgery, whose device allows everything by itself: what opens there, opens. */
async function tryDevice(forge: Forge, draw: Draw, times: number): Promise<{ text: string; holds: boolean }> {
  const codes = new Map<string, number>()
  let opened = 0
  let silent = 0
  for (let index = 0; index < times; index += 1) {
    const world = new World()
    world.policy = { ...world.policy, rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' } }
    const { before, restart, forged } = await forge(draw)
    const give = async (delivery: AccessDelivery) => {
      await world.requests.receive(delivery)
      await world.clock.advance(0)
    }
    if (before) {
      await give(before)
      if (world.opened.length !== 1) throw new Error('the control did not open')
      world.sessions[0]?.end('specialist')
      await world.clock.advance(0)
      if (restart) await world.crash()
    }
    const known = world.opened.length
    const told = world.events.length
    await give(forged)
    opened += world.opened.length - known
    const refusals = world.events.slice(told).filter(({ kind }) => kind === 'access.refused')
    const code = String(refusals.at(-1)?.data?.code ?? (before && forged.id === before.id ? 'taken before' : ''))
    if (code === '') silent += 1
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  const found = [...codes].map(([code, count]) => `${count} × ${code || 'no reason'}`).join(', ')
  return { text: `${opened} open; ${found}`, holds: opened === 0 && silent === 0 && (await controlOpens()) }
}

async function controlOpens(): Promise<boolean> {
  const world = new World()
  world.policy = { ...world.policy, rules: { ...world.policy.rules, os: 'allow' } }
  await world.requests.receive(await make())
  await world.clock.advance(0)
  return world.opened.length === 1
}

type Leg = { opening: Opening; nonce: Hash; admission: CompactJws; at: { name: string; nowSeconds: number } }
const legKinds: { name: string; forge: (leg: Leg, draw: Draw) => Promise<Leg> }[] = [
  { name: 'a ticket for another access server', forge: async (leg) => ({ ...leg, at: { ...leg.at, name: 'access-9' } }) },
  { name: 'an admission over another connection’s nonce', forge: async (leg) => ({ ...leg, nonce: newNonce() }) },
  { name: 'the ticket without its session key', forge: async (leg) => ({ ...leg, admission: await admit(leg, stranger) }) },
  { name: 'the device’s side with the session key', forge: async (leg) => asAgent(leg) },
  {
    name: 'an admission for another leg, epoch or server',
    forge: async (leg, draw) => ({
      ...leg,
      admission: await admit(
        leg,
        people.session,
        draw.of([{ leg: 'control-2' }, { epoch: 7 }, { accessServer: 'access-9' }, { ticketId: newId('tkt') }] as Partial<AdmissionPayload>[]),
      ),
    }),
  },
  { name: 'a ticket that the access server signed', forge: async (leg) => reticket(leg, beatKey) },
  { name: 'a ticket whose session key was put in its place', forge: async (leg) => swapped(leg) },
  { name: 'out of its time', forge: async (leg, draw) => ({ ...leg, at: { ...leg.at, nowSeconds: now + 430 + draw.below(100_000) } }) },
  { name: 'one character edited', forge: async (leg, draw) => editLeg(leg, draw) },
]

async function makeLeg(): Promise<Leg> {
  const ticket = await make().then((delivery) => delivery.ticket)
  const opening: Opening = { version: 1, ticket, side: 'client', leg: 'control-1', epoch: 1, link: 1 }
  const leg = { opening, nonce: newNonce(), admission: '' as CompactJws, at: { name: 'access-1', nowSeconds: now } }
  return { ...leg, admission: await admit(leg, people.session) }
}

async function admit({ opening, nonce, at }: Leg, key: SigningKey, change: Partial<AdmissionPayload> = {}): Promise<CompactJws> {
  const { side, leg, epoch, ticket } = opening
  const said = { version: 1, ticketId: read(ticket).id, side, leg, epoch, accessServer: at.name, nonce, ...change }
  return signJws('admission', said, key)
}

async function asAgent(leg: Leg): Promise<Leg> {
  const agent = { ...leg, opening: { ...leg.opening, side: 'agent' as const } }
  return { ...agent, admission: await admit(agent, people.session) }
}
async function reticket(leg: Leg, key: SigningKey): Promise<Leg> {
  const ticket = signTextNow('ticket', JSON.stringify(read(leg.opening.ticket)), key.privateKey)
  return { ...leg, opening: { ...leg.opening, ticket } }
}
async function swapped(leg: Leg): Promise<Leg> {
  const [header, , signature] = leg.opening.ticket.split('.')
  const payload = { ...read(leg.opening.ticket), sessionKey: stranger.publicJwk }
  const ticket = [header, Buffer.from(JSON.stringify(payload)).toString('base64url'), signature].join('.') as CompactJws
  const other = { ...leg, opening: { ...leg.opening, ticket } }
  return { ...other, admission: await admit(other, stranger) }
}
async function editLeg(leg: Leg, draw: Draw): Promise<Leg> {
  return draw.of([true, false])
    ? { ...leg, admission: editText(leg.admission, draw) }
    : { ...leg, opening: { ...leg.opening, ticket: editText(leg.opening.ticket, draw) } }
}

async function tryLeg(forge: (leg: Leg, draw: Draw) => Promise<Leg>, draw: Draw, times: number): Promise<{ text: string; holds: boolean }> {
  const codes = new Map<string, number>()
  for (let index = 0; index < times; index += 1) {
    const code = await knock(await forge(await makeLeg(), draw))
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  const control = await knock(await makeLeg())
  const found = [...codes].map(([code, count]) => `${count} × ${code}`).join(', ')
  return { text: found, holds: !codes.has('admitted') && control === 'admitted' }
}

async function knock({ opening, nonce, admission, at }: Leg): Promise<string> {
  const context = { name: at.name, ticketKeys: () => [people.ticketKey.publicJwk], now: at.nowSeconds, joinedAt: () => undefined }
  try {
    await checkAdmission(admission, await checkOpening(opening, context), { name: at.name, nonce })
    return 'admitted'
  } catch (error) {
    return codeOf(error)
  }
}
