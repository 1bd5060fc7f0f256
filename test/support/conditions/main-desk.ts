import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { followSession } from '../../../cloud/main-server/access-requests/answers.ts'
import { createAccessHandlers, createAnswerHandlers } from '../../../cloud/main-server/access-requests/handlers.ts'
import { createStandingCheck } from '../../../cloud/main-server/access-requests/standing.ts'
import { createSweep } from '../../../cloud/main-server/access-requests/sweep.ts'
import type { AccessTools } from '../../../cloud/main-server/access-requests/tools.ts'
import type { Caller } from '../../../cloud/main-server/caller.ts'
import { beginCase, findCase } from '../../../cloud/main-server/cases/store.ts'
import { type Database, openDatabase } from '../../../cloud/main-server/database.ts'
import { createPollHandlers } from '../../../cloud/main-server/polls/handlers.ts'
import { queueDelivery, withdrawDeliveries } from '../../../cloud/main-server/polls/store.ts'
import { createWaiters } from '../../../cloud/main-server/polls/waiters.ts'
import type { AgentApi } from '../../../shared/agent-api.ts'
import type { AuditEvent, NewAuditEvent } from '../../../shared/audit.ts'
import type { Output } from '../../../shared/contract.ts'
import { type CustomerId, newId, type SpecialistId } from '../../../shared/ids.ts'
import { newNonce } from '../../../shared/node/signing.ts'
import type { CompactJws } from '../../../shared/ticket.ts'
import { hostKey, now, people, rosters, trust } from '../access-world.ts'
import { allLimits } from '../people.ts'
import { plainPoll } from '../test-agent.ts'

/** What the directory, the cases and the sign-ins say, as somebody outside would tell it. */
export const goodFacts = { person: true, device: true, entitled: true, level: true, trained: true, connected: true, caseOpen: true, signInWhole: true }
export type Facts = typeof goodFacts

export const deviceId = trust.deviceId as never
export const caseId = '48213'
export const accessServers = [1, 2].map((number) => ({ name: `access-${number}`, site: `Site ${number}`, host: '127.0.0.1', port: number }))
export const otherPerson = newId<SpecialistId>('spc')
/** Of Linux. Where it is missing each commit waits for a disk. */
const memory = '/dev/shm'
const grantId = 'sign-in'
const customerId = newId<CustomerId>('cus')

/**
 * A main server without its sockets: the real policy, tickets, polls, answers and standing over a real database. A crash leaves the database, and what was in the
 * middle of a transaction is not in it.
 */
export type MainDesk = {
  client: ReturnType<typeof createAccessHandlers>
  caller(mfaAtMs: number, who?: SpecialistId): Caller
  poll(change: Parameters<typeof plainPoll>[1]): Promise<Output<AgentApi, 'device.poll'>>
  answer(jws: CompactJws): Promise<void>
  report(event: AuditEvent): Promise<void>
  /** Changes the directory and lets the server look, as it does by itself. */
  set(facts: Facts): Promise<void>
  /** What it does each second. */
  look(): Promise<void>
  /** Of what it writes: after so many more it is dead, in the middle of whatever it did. */
  die(afterWrites: number): void
  dead(): boolean
  restart(): Promise<void>
  /** As if nothing had ever been asked. */
  reset(now: () => number): Promise<void>
  close(): Promise<void>
}

export async function openMainDesk(): Promise<MainDesk> {
  const folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'conditions-'))
  const db = await openDatabase(join(folder, 'gantry.db'))
  await seed(db)
  let clock = () => now * 1_000
  let facts = goodFacts
  let parts = start()

  function start() {
    let writesLeft = Number.POSITIVE_INFINITY
    const write = () => {
      if (writesLeft <= 0) throw new Error('crashed')
      writesLeft -= 1
      if (writesLeft <= 0) throw new Error('crashed')
    }
    const quiet = () => undefined
    const append = (_: NewAuditEvent) => write()
    const tools: AccessTools = {
      db,
      authorityKeys: () => [people.authority.publicJwk],
      ticketKey: () => people.ticketKey,
      fleet: { candidates: () => accessServers.map((ref, spent) => ({ ref, region: 'ca-east', weight: 1, spent, doubtful: false })), noteTicket: quiet },
      roster: () => rosters.good,
      cases: { find: findCase, begin: beginCase },
      notices: { canTell: () => false, recent: async () => 0, begin: () => Promise.reject(new Error('nobody is told here')), kick: quiet },
      append,
      queue: async (queries, delivery) => {
        await queueDelivery(queries, delivery, clock())
        write()
      },
      withdraw: withdrawDeliveries,
      wake: quiet,
      publish: write,
      deviceChanged: quiet,
      now: () => clock(),
    }
    const standing = createStandingCheck(tools)
    return {
      ...{ tools, standing, client: createAccessHandlers(tools), answers: createAnswerHandlers(tools), sweep: createSweep(tools) },
      polls: createPollHandlers({
        ...{
          db,
          waiters: createWaiters(),
          append,
          roster: () => null,
          serverKeys: () => null,
          authorityKeys: () => [],
          deviceChanged: quiet,
          now: () => clock(),
        },
        bulletinKey: newNonce,
        ticketKey: tools.ticketKey,
        standingChanged: standing.look,
      }),
      die(after: number) {
        writesLeft = after
      },
      dead: () => writesLeft <= 0,
    }
  }
  const caller = { deviceId, name: 'CT Suite 3', thumbprint: newNonce(), signal: new AbortController().signal }

  return {
    get client() {
      return parts.client
    },
    caller: (mfaAtMs, who = people.person.specialistId) => ({ specialistId: who, grantId, mfaAtMs }),
    poll: async (change) => parts.polls['device.poll'](plainPoll(clock(), change), caller),
    answer: async (jws) => void (await parts.answers['access-request.answer']({ answer: jws }, caller)),
    report: (event) => followSession(parts.tools, event, deviceId),
    async set(next) {
      facts = next
      await store(db, facts, clock())
      await parts.standing.look()
    },
    async look() {
      await parts.sweep()
      await parts.standing.tick()
    },
    die: (after) => parts.die(after),
    dead: () => parts.dead(),
    async restart() {
      parts = start()
      await parts.standing.look()
    },
    async reset(next) {
      clock = next
      facts = goodFacts
      for (const table of ['answers', 'deliveries', 'access_requests', 'cases', 'device_runs', 'ended_sign_ins'] as const) await db.deleteFrom(table).execute()
      await beginCase(db, { customerId, number: caseId, deviceId, specialistId: people.person.specialistId, nowMs: clock() })
      await store(db, facts, clock())
      await db.updateTable('devices').set({ last_contact_ms: clock(), run: null, two_places_ms: null, clock_off_s: 0 }).execute()
      parts = start()
    },
    async close() {
      await db.destroy()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function store(db: Database, facts: Facts, nowMs: number): Promise<void> {
  await db
    .updateTable('specialists')
    .set({
      disabled_ms: facts.person ? null : nowMs,
      profile_id: facts.level ? 'all' : 'first-line',
      training_json: JSON.stringify(facts.trained ? [{ model: '*', until: '2099-12-31' }] : []),
    })
    .execute()
  const connectivity = facts.connected ? 'on' : 'off'
  await db
    .updateTable('devices')
    .set({ disabled_ms: facts.device ? null : nowMs, connectivity })
    .execute()
  await db
    .updateTable('entitlements')
    .set({ ends_on: facts.entitled ? '2099-12-31' : '2021-01-01' })
    .execute()
  await db
    .updateTable('cases')
    .set({ closed_ms: facts.caseOpen ? null : nowMs })
    .execute()
  await db.deleteFrom('ended_sign_ins').execute()
  if (!facts.signInWhole) await db.insertInto('ended_sign_ins').values({ grant_id: grantId, at_ms: nowMs }).execute()
}

async function seed(db: Database): Promise<void> {
  const { specialistId, username, name, employer, country } = people.person
  const origins = [{ country, tiers: [2], onEscalation: false }]
  const rules = { regions_json: null, origins_json: JSON.stringify(origins), change_control_json: null, notices_json: null }
  await db
    .insertInto('customers')
    .values({ id: customerId, name: 'Riverside Hospital', ...rules })
    .execute()
  const place = { id: 'site', customer_id: customerId, name: 'East wing', city: 'Laval', country, time_zone: 'America/Toronto', contact_json: null }
  await db
    .insertInto('sites')
    .values({ ...place, quiet_hours_json: '[]' })
    .execute()
  await db.insertInto('models').values({ id: 'nv-520', name: 'NV 520', kind: 'injector' }).execute()
  const everything = { ...allLimits, customers: [customerId] }
  const profiles = { all: ['diagnostics', 'files', 'application', 'os'], 'first-line': ['diagnostics'] }
  for (const [id, levels] of Object.entries(profiles)) {
    await db
      .insertInto('profiles')
      .values({ id, name: id, grants_json: JSON.stringify([{ ...everything, levels }]) })
      .execute()
  }
  const nothing = { revoked_ms: null, audit_key_json: null, agent_version: null, software_version: null, rules_json: null, last_contact_ms: null }
  const identity = { certificate: 'pem', certificate_thumbprint: 'x', device_key_json: JSON.stringify(trust.deviceKey), host_key: hostKey, enrolled_ms: 1 }
  const device = { id: deviceId, site_id: 'site', model_id: 'nv-520', name: 'CT Suite 3', serial: 'SN 3', connectivity: 'on' as const }
  await db
    .insertInto('devices')
    .values({ ...device, ...identity, ...nothing, instant_pickup: 1, separated: 1, roster_number: 1 })
    .execute()
  const accepted = { terms_json: JSON.stringify({ version: '1', acceptedOn: '2020-01-01', by: 'Site manager' }), calls_json: '[]' }
  const agreement = { device_id: deviceId, kind: 'agreement' as const, name: 'Full service', starts_on: '2020-01-01', ends_on: '2099-12-31' }
  await db
    .insertInto('entitlements')
    .values({ ...agreement, ...accepted })
    .execute()
  const person = {
    employer,
    country,
    city: 'Laval',
    tier: 2,
    training_json: '[]',
    screened_on: '2020-01-01',
    plan_acknowledged_on: '2020-01-01',
    profile_id: 'all',
    password: '',
    totp_secret: '',
  }
  await db
    .insertInto('specialists')
    .values([
      { ...person, id: specialistId, username, name },
      { ...person, id: otherPerson, username: 't.other', name: 'Tomas Other' },
    ])
    .execute()
}
