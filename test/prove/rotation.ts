import { copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { WellKnown } from '@gantry/shared/client-api.ts'
import { newId, type TicketId } from '@gantry/shared/ids.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { certificateHash } from '@gantry/shared/node/certificates.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { openLeg } from '@gantry/shared/node/leg.ts'
import { generateSigningKey, readUnverified, type SigningKey, signingKeyFrom, signJws, thumbprint } from '@gantry/shared/node/signing.ts'
import { checkTicket } from '@gantry/shared/node/ticket.ts'
import { type CompactJws, TicketPayload } from '@gantry/shared/ticket.ts'
import { newStateFolder, oneDevice, type Running, type RunningSandbox, removeSandbox, root, run, startSandbox, until } from '../e2e/support/sandbox.ts'
import { codeOf, milliseconds, type Proof, type Row, row } from './proof.ts'

const config = (sandbox: RunningSandbox, part: string) => join(sandbox.dir, `sandbox/configs/${part}.json`)
const parts = ['main-server', 'access-server-1', 'access-server-2'] as const
/** A device polls every 30 s at the latest, give or take a tenth; the key takes over ten seconds after its list came. */
const nextPollMs = 40_000

export const rotation: Proof = {
  name: 'rotation',
  title: 'Certificates and keys of the servers, and the authority’s own, change under an open session',
  covers: ['R061', 'R066', 'R012', 'T3'],
  method:
    'The sandbox’s real processes on loopback, one device, the commands as an operator and two officers type them. A terminal is opened first and typed into after each step. The ticket key that is replaced counts as stolen: what it can still do is tried at the device (a delivery put into the main server’s database) and at an access server, while it counts and after.',
  limits: ['the change of the servers’ own CA, a file at each end; clients, which follow what the main server says of itself.'],
  async run({ say }) {
    const sandbox = await startSandbox(newStateFolder(), ...oneDevice)
    try {
      await sandbox.gantry('sign-in')
      const terminal = await openTerminal(sandbox)
      const rows: Row[] = []
      for (const step of [certificates, ticketKey, deviceCa, authorityKey]) {
        rows.push(...(await step(sandbox, terminal)))
        say(rows.at(-1)?.found ?? '')
      }
      terminal.child.stdin?.write('exit\n')
      return [...rows, row('the terminal’s end', 'by its own exit, code 0', `code ${(await terminal.done).code}`, (await terminal.done).code === 0)]
    } finally {
      await removeSandbox(sandbox)
    }
  },
}

async function certificates(sandbox: RunningSandbox, terminal: Running): Promise<Row[]> {
  const ca = join(sandbox.dir, 'servers-ca')
  mkdirSync(ca, { mode: 0o700 })
  copyFileSync(join(sandbox.dir, 'sandbox/ca-key.pem'), join(ca, 'servers-ca.key'))
  copyFileSync(join(sandbox.dir, 'ca.pem'), join(ca, 'servers-ca.pem'))
  const rows: Row[] = []
  for (const part of parts) {
    const { cert } = JSON.parse(readFileSync(config(sandbox, part), 'utf8')).tls
    const startMs = performance.now()
    await command(['cloud/main-server/server-keys/main.ts', 'rotate', 'server-certificate', '--config', config(sandbox, part), '--servers-ca', ca])
    const wanted = certificateHash(readFileSync(cert, 'utf8'))
    const origins = part === 'main-server' ? [sandbox.facts.mainServer] : [sandbox.facts.accessServers[part === 'access-server-1' ? 0 : 1] ?? '']
    await until('the new certificate', async () => (await Promise.all(origins.map((origin) => shownBy(sandbox, origin)))).every((mark) => mark === wanted))
    rows.push(
      row(
        `${part}: the new certificate is shown`,
        'within 5 s, without a restart',
        milliseconds(performance.now() - startMs),
        performance.now() - startMs < 5_000,
      ),
    )
  }
  return [...rows, await typed(terminal, 'three new certificates'), await anotherSession(sandbox, 'under the new certificates')]
}

async function ticketKey(sandbox: RunningSandbox, terminal: Running): Promise<Row[]> {
  const stolen = signingKeyFrom(readFileSync(join(sandbox.dir, 'main-server/ticket.key'), 'utf8'))
  const startMs = performance.now()
  await listed(sandbox, 'rotate', 'ticket-key', '--overlap-days', '1')
  await until('the device’s word', () => audited(sandbox, 'devices/1/agent').includes('server-keys.accepted'), nextPollMs)
  const heardMs = performance.now() - startMs
  const known = () => getJson({ origin: sandbox.facts.mainServer, dial: dialler(sandbox) }, WellKnown, { path: '/.well-known/gantry' })
  await until('the next ticket key', async () => thumbprint((await known()).ticketKey) !== thumbprint(stolen.publicJwk), nextPollMs)
  const tookMs = performance.now() - startMs
  const rows = [
    row('ticket key: the list is at the device', 'with its next poll', milliseconds(heardMs), heardMs < nextPollMs),
    row('ticket key: the next one signs', 'ten seconds after its list', milliseconds(tookMs), tookMs < nextPollMs),
    await typed(terminal, 'the ticket key'),
    await anotherSession(sandbox, 'under the next ticket key'),
  ]
  const ticket = newestTicket(sandbox)
  const under = async ({ publicJwk }: Pick<SigningKey, 'publicJwk'>) => codeOr(checkTicket(ticket, [publicJwk], Date.now() / 1_000))
  rows.push(row('that session’s ticket under the old key', 'ticket.bad', await under(stolen), (await under(stolen)) === 'ticket.bad'))
  rows.push(
    row(
      'that session’s ticket under the new key',
      'good',
      await under({ publicJwk: (await known()).ticketKey }),
      (await under({ publicJwk: (await known()).ticketKey })) === 'good',
    ),
  )
  rows.push(await atTheDevice(sandbox, stolen, false), await atAnAccessServer(sandbox, stolen, false))

  await listed(sandbox, 'retire', 'ticket-key')
  const lists = () => audited(sandbox, 'devices/1/agent').filter((kind) => kind === 'server-keys.accepted').length
  const retiredMs = performance.now()
  await until('the second list', () => lists() >= 2, nextPollMs)
  const atDeviceMs = performance.now() - retiredMs
  const published = readFileSync(join(sandbox.dir, 'main-server/authority-in/server-keys.jws'), 'utf8').trim()
  const listAt = (number: number) => readFileSync(join(sandbox.dir, `access-server-${number}/server-keys.jws`), 'utf8').trim()
  await until('the list at the access servers', () => [1, 2].every((number) => listAt(number) === published), nextPollMs)
  const atServersMs = performance.now() - retiredMs
  rows.push(row('the old ticket key’s end is known at the device', 'with its next poll', milliseconds(atDeviceMs), atDeviceMs < nextPollMs))
  rows.push(row('the old ticket key’s end is known at both access servers', 'with their next beat, 5 s', milliseconds(atServersMs), atServersMs < 5_000))
  rows.push(await atTheDevice(sandbox, stolen, true), await atAnAccessServer(sandbox, stolen, true))
  rows.push(await typed(terminal, 'the old ticket key’s end'), await anotherSession(sandbox, 'after the old ticket key’s end'))
  return rows
}

async function deviceCa(sandbox: RunningSandbox, terminal: Running): Promise<Row[]> {
  const renewals = () => audited(sandbox, 'devices/1/agent').filter((kind) => kind === 'device.renewed').length
  const before = renewals()
  await listed(sandbox, 'rotate', 'device-ca')
  await until('the next device CA', () => audited(sandbox, 'main-server').filter((kind) => kind === 'server.key-changed').length >= 2, nextPollMs)
  const startMs = performance.now()
  await until('a certificate of the next CA', () => renewals() > before, 4 * nextPollMs)
  const tookMs = performance.now() - startMs
  const cas = (await keys(sandbox)).filter(({ what }) => what === 'device-ca').map(({ state, devices }) => `${state} ${devices}`)
  await listed(sandbox, 'retire', 'device-ca')
  await until('the old CA’s end', () => audited(sandbox, 'main-server').filter((kind) => kind === 'server.key-changed').length >= 3, nextPollMs)
  return [
    row('device CA: the device has a certificate of the next one', 'by itself', milliseconds(tookMs), true),
    row('device CA: what keys show says of the overlap', 'in-use 1, beside 0', cas.join(', '), cas.join() === 'in-use 1,beside 0'),
    await typed(terminal, 'the device CA'),
    await anotherSession(sandbox, 'after the old device CA’s end'),
  ]
}

/** What every device pinned when it was enrolled (decision 30). */
async function authorityKey(sandbox: RunningSandbox, terminal: Running): Promise<Row[]> {
  const accepted = () => audited(sandbox, 'devices/1/agent').filter((kind) => kind === 'authority-keys.accepted').length
  const rows: Row[] = []
  for (const [act, what] of [
    ['rotate-key', 'the next authority key'],
    ['retire-key', 'the old authority key’s end'],
  ] as const) {
    const before = accepted()
    await agreed(sandbox, act)
    const startMs = performance.now()
    await until(`${what} at the device`, () => accepted() > before, nextPollMs)
    const tookMs = performance.now() - startMs
    rows.push(row(`${what} is known at the device`, 'with its next poll', milliseconds(tookMs), tookMs < nextPollMs))
    rows.push(await typed(terminal, what))
    // The workstation takes the certificate that the next key has signed.
    await sandbox.gantry('keys')
    rows.push(await anotherSession(sandbox, `after ${what}`))
  }
  return rows
}

async function openTerminal(sandbox: RunningSandbox): Promise<Running> {
  const [device] = sandbox.facts.devices
  const running = sandbox.startGantry('connect', device?.id ?? '', '--access', 'os', '--reason', 'Console reacts slowly', '--case', '70001')
  await sandbox.panel(device?.id ?? '', 'approve', '--next', '--timeout', '60')
  running.child.stdin?.write('echo in-$((20+3))\n')
  await until('the terminal', () => running.stdout().includes('in-23'), 60_000)
  return running
}

let lines = 0
async function typed({ child, stdout }: Running, after: string): Promise<Row> {
  lines += 1
  child.stdin?.write(`echo line-$((${lines}*7))-end\n`)
  const answer = await until('an echo', () => stdout().includes(`line-${lines * 7}-end`), 10_000).then(
    () => 'answers',
    () => 'is silent',
  )
  return row(`the open terminal, after ${after}`, 'answers', answer, answer === 'answers')
}

async function anotherSession(sandbox: RunningSandbox, when: string): Promise<Row> {
  const { code, stderr } = await sandbox.gantry('run', sandbox.facts.devices[0]?.id ?? '', 'diagnostics.collect', '--reason', 'once more', '--case', '70001')
  return row(`another session, ${when}`, 'opens', code === 0 ? 'opens' : stderr.trim().slice(-200), code === 0)
}

/** As operator and officers do it: the list, its fingerprint, both passphrases, and the result where the main server looks. */
async function listed(sandbox: RunningSandbox, ...argv: string[]): Promise<void> {
  const path = join(sandbox.dir, 'list.json')
  const asked = await command(['cloud/main-server/server-keys/main.ts', ...argv, '--config', config(sandbox, 'main-server'), '--request', path, '--json'])
  const { fingerprint } = JSON.parse(asked)
  await agreed(sandbox, 'server-keys', '--request', path, '--fingerprint', fingerprint)
}

/** Both officers of the authority. */
async function agreed(sandbox: RunningSandbox, ...argv: [string, ...string[]]): Promise<void> {
  const { officers } = JSON.parse(readFileSync(join(sandbox.dir, 'sandbox/credentials.json'), 'utf8')) as { officers: Record<string, string> }
  const names = Object.keys(officers).sort()
  const folders = ['--dir', join(sandbox.dir, 'authority'), '--out', join(sandbox.dir, 'main-server/authority-in')]
  const passphrases = names.map((name) => `${officers[name]}\n`).join('')
  await command(['authority/main.ts', ...argv, ...folders, ...names.flatMap((name) => ['--officer', name])], passphrases)
}

async function command([program, ...argv]: [string, ...string[]], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run([process.execPath, join(root, program), ...argv], { input }).done
  if (code !== 0) throw new Error(stderr)
  return stdout
}

async function keys(sandbox: RunningSandbox): Promise<{ what: string; state: string; devices?: number }[]> {
  return JSON.parse(await command(['cloud/main-server/server-keys/main.ts', 'show', '--json', '--config', config(sandbox, 'main-server')])).keys
}

const dialler = ({ facts }: RunningSandbox) => createDialler({ ca: readFileSync(facts.ca, 'utf8') })

async function shownBy(sandbox: RunningSandbox, origin: string): Promise<string> {
  const { hostname, port } = new URL(origin)
  const socket = await dialler(sandbox)({ host: hostname, port: Number(port) })
  const certificate = socket.getPeerX509Certificate()?.toString() ?? ''
  socket.destroy()
  return certificateHash(certificate)
}

function events(sandbox: RunningSandbox, folder: string): { kind: string; data?: Record<string, unknown> }[] {
  const text = readFileSync(join(sandbox.dir, folder, 'audit.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).event)
}
const audited = (sandbox: RunningSandbox, folder: string) => events(sandbox, folder).map(({ kind }) => kind)

function database<T>(sandbox: RunningSandbox, act: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(sandbox.dir, 'main-server/gantry.db'), { timeout: 5_000 })
  try {
    return act(db)
  } finally {
    db.close()
  }
}

function newestTicket(sandbox: RunningSandbox): CompactJws {
  return database(sandbox, (db) => String(db.prepare('select ticket from access_requests order by created_ms desc limit 1').get()?.ticket))
}

/** A thief inside the main server: a true request of before, under a ticket that the stolen key has signed just now. */
async function atTheDevice(sandbox: RunningSandbox, stolen: SigningKey, isOver: boolean): Promise<Row> {
  const refusals = () => events(sandbox, 'devices/1/agent').filter(({ kind }) => kind === 'access.refused')
  const before = refusals().length
  const ticket = await forged(sandbox, stolen)
  database(sandbox, (db) => {
    const known = db
      .prepare(`select device_id, body_json from deliveries where json_extract(body_json, '$.kind') = 'access-request' order by position desc limit 1`)
      .get()
    const body = JSON.stringify({ ...JSON.parse(String(known?.body_json)), ticket })
    const insert = db.prepare('insert into deliveries (id, device_id, subject, body_json, created_ms, handled_ms, held) values (?, ?, ?, ?, ?, null, 0)')
    insert.run(newId('dlv'), String(known?.device_id), `forged:${newId('dlv')}`, body, Date.now())
  })
  await until('the device’s refusal', () => refusals().length > before, nextPollMs)
  const code = String(refusals().at(-1)?.data?.code)
  const what = `at the device, a ticket under the old key ${isOver ? 'after its end' : 'while it counts'}`
  return isOver ? row(what, 'ticket.bad', code, code === 'ticket.bad') : row(what, 'refused for what follows, not for its key', code, code !== 'ticket.bad')
}

async function atAnAccessServer(sandbox: RunningSandbox, stolen: SigningKey, isOver: boolean): Promise<Row> {
  const session = generateSigningKey()
  const ticket = await forged(sandbox, stolen, session)
  const { id, accessServer } = readUnverified(ticket, TicketPayload, 'ticket.bad')
  const code = await codeOr(
    openLeg({
      server: accessServer,
      dial: dialler(sandbox),
      ticket,
      ticketId: id,
      leg: 'control-1',
      epoch: 1,
      side: 'client',
      key: session,
      signal: AbortSignal.timeout(30_000),
    }),
  )
  const bound = isOver ? 'ticket.bad' : 'leg.peer-missing'
  return row(`at an access server, a ticket under the old key ${isOver ? 'after its end' : 'while it counts'}`, bound, code, code === bound)
}

async function forged(sandbox: RunningSandbox, stolen: SigningKey, session?: SigningKey): Promise<CompactJws> {
  const known = readUnverified(newestTicket(sandbox), TicketPayload, 'ticket.bad')
  const now = Math.floor(Date.now() / 1_000)
  const sessionKey = session?.publicJwk ?? known.sessionKey
  return signJws('ticket', { ...known, id: newId<TicketId>('tkt'), sessionKey, issuedAt: now, joinBefore: now + 300 }, stolen)
}

function codeOr(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'good', codeOf)
}
