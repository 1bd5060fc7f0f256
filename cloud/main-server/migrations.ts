import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * The schema's history, oldest first. A migration that has shipped is never edited: add the next one. STRICT tables, so that a wrong type is an error
 * in SQLite too. Migrations run in one transaction each.
 */
const first = [
  `create table meta (name text primary key, value text not null) strict`,
  `create table customers (id text primary key, name text not null) strict`,
  `create table sites (
    id text primary key, customer_id text not null references customers (id), name text not null, city text not null, country text not null,
    time_zone text not null, contact_json text
  ) strict`,
  `create table models (id text primary key, name text not null, kind text not null check (kind in ('injector', 'software'))) strict`,
  `create table devices (
    id text primary key, site_id text not null references sites (id), model_id text not null references models (id), name text not null, serial text not null,
    connectivity text not null, enrolled_ms integer, revoked_ms integer, certificate text, certificate_thumbprint text unique, device_key_json text,
    host_key text, audit_key_json text, agent_version text, software_version text, last_contact_ms integer, instant_pickup integer not null default 0,
    separated integer not null default 0, rules_json text, roster_number integer not null default 0
  ) strict`,
  `create table entitlements (
    device_id text primary key references devices (id), kind text not null, name text not null, starts_on text not null, ends_on text not null
  ) strict`,
  `create table enrolments (secret_hash text primary key, device_id text not null references devices (id), used_ms integer) strict`,
  `create table profiles (id text primary key, name text not null, grants_json text not null) strict`,
  `create table specialists (
    id text primary key, username text not null unique, name text not null, employer text not null, country text not null, city text not null,
    tier integer not null, profile_id text not null references profiles (id), password text not null, totp_secret text not null, totp_step integer not null default 0
  ) strict`,
  `create table support_contacts (region text primary key, phone text not null, mail text not null) strict`,
  `create table oidc_records (
    model text not null, id text not null, payload_json text not null, grant_id text, uid text, consumed_s integer, expires_ms integer, primary key (model, id)
  ) strict`,
  `create index oidc_records_by_grant on oidc_records (grant_id)`,
  `create index oidc_records_by_uid on oidc_records (model, uid)`,
  `create table sign_in_steps (uid text primary key, specialist_id text not null references specialists (id), expires_ms integer not null) strict`,
  `create table sign_in_failures (account text not null, address text not null, at_ms integer not null) strict`,
  `create index sign_in_failures_by_time on sign_in_failures (at_ms)`,
  `create table access_requests (
    id text primary key, device_id text not null references devices (id), specialist_id text not null references specialists (id), access text not null,
    service_kind text not null, case_id text not null, minutes integer not null, state text not null, created_ms integer not null, changed_ms integer not null,
    opened_ms integer, ended_ms integer, deadline_ms integer not null, end_cause text, refusal_json text, commitment text not null unique, revealed text,
    request_hash text not null unique, ticket_id text not null unique, ticket text not null, access_server_json text not null, device_certificate text not null,
    device_key_json text not null
  ) strict`,
  `create index access_requests_by_device on access_requests (device_id, created_ms)`,
  `create index access_requests_by_specialist on access_requests (specialist_id, created_ms)`,
  `create index access_requests_by_deadline on access_requests (state, deadline_ms)`,
  `create table answers (
    request_id text not null references access_requests (id), position integer not null, kind text not null, jws text not null,
    primary key (request_id, kind), unique (request_id, position)
  ) strict`,
  `create table deliveries (
    position integer primary key autoincrement, id text not null unique, device_id text not null references devices (id), subject text not null,
    body_json text not null, created_ms integer not null, handled_ms integer, unique (device_id, subject)
  ) strict`,
  `create index deliveries_open on deliveries (device_id, position) where handled_ms is null`,
]

const regions = [`alter table customers add column regions_json text`]

/** Cases that requests have named already begin with the first of those. */
const cases = [
  `create table cases (
    customer_id text not null references customers (id), number text not null, device_id text not null references devices (id), opened_ms integer not null,
    opened_by text not null references specialists (id), holder text not null references specialists (id), escalated_by text references specialists (id),
    escalated_ms integer, escalation_reason text, closed_ms integer, closed_by text references specialists (id), resolution text,
    primary key (customer_id, number)
  ) strict`,
  `create index cases_by_holder on cases (holder, opened_ms)`,
  `insert or ignore into cases (customer_id, number, device_id, opened_ms, opened_by, holder)
    select site.customer_id, request.case_id, request.device_id, request.created_ms, request.specialist_id, request.specialist_id
    from access_requests as request join devices as device on device.id = request.device_id join sites as site on site.id = device.site_id
    order by request.created_ms`,
]

/** Shut out by the directory, which can let in again; a device's certificate is another matter (`revoked_ms`). */
const disabled = [`alter table specialists add column disabled_ms integer`, `alter table devices add column disabled_ms integer`]

/** What the policy's steps look at. Nobody is trained or screened, and no terms are accepted, before the directory file was taken over again, which each start does. */
const policy = [
  `alter table customers add column origins_json text`,
  `alter table customers add column change_control_json text`,
  `alter table sites add column quiet_hours_json text not null default '[]'`,
  `alter table entitlements add column terms_json text`,
  `alter table entitlements add column calls_json text not null default '[]'`,
  `alter table specialists add column training_json text not null default '[]'`,
  `alter table specialists add column screened_on text`,
  `delete from meta where name = 'seed-hash'`,
]

/** Under which sign-in something was opened, and which sign-ins were used from a copy. */
const signIns = [
  `alter table access_requests add column grant_id text`,
  `create table reused_sign_ins (grant_id text primary key, at_ms integer not null) strict`,
]

/** People of an OpenID provider: known by issuer and subject. */
const upstream = [
  `alter table specialists add column issuer text`,
  `alter table specialists add column subject text`,
  `create unique index specialists_by_identity on specialists (issuer, subject)`,
  `alter table sign_in_steps add column vouched_ms integer`,
  `create table upstream_visits (uid text primary key, state_hash text not null unique, sent_ms integer not null, expires_ms integer not null) strict`,
]

/** The customer's contacts, what they are told, and what waits for that. */
const notices = [
  `alter table customers add column notices_json text`,
  `alter table deliveries add column held integer not null default 0`,
  `create table notices (
    request_id text primary key references access_requests (id), device_id text not null references devices (id), rule text not null, state text not null,
    reason text, language text not null, facts_json text not null, created_ms integer not null, deadline_ms integer not null
  ) strict`,
  `create index notices_by_device on notices (device_id, created_ms)`,
  `create table notice_sends (
    id text primary key, request_id text not null references notices (request_id), channel text not null, target text not null, token_hash text not null unique,
    state text not null, attempts integer not null, next_ms integer not null, reason text, answered_ms integer
  ) strict`,
  `create index notice_sends_open on notice_sends (next_ms) where state = 'waiting'`,
  `create index notice_sends_by_request on notice_sends (request_id)`,
]

/** Passkeys, of what is asked of one now, and what a sign-in has shown while its person looks after them. */
const passkeys = [
  `create table passkeys (
    id text primary key, specialist_id text not null references specialists (id), public_key text not null, counter integer not null, transports_json text not null,
    synced integer not null, added_ms integer not null, used_ms integer
  ) strict`,
  `create index passkeys_by_specialist on passkeys (specialist_id)`,
  `alter table sign_in_steps add column challenge text`,
  `alter table sign_in_steps add column shown_json text`,
]

/** What a device's clock says, and from how many places it calls in. */
const places = [
  `alter table devices add column clock_off_s integer not null default 0`,
  `alter table devices add column run text`,
  `alter table devices add column two_places_ms integer`,
  `create table device_runs (
    device_id text not null references devices (id), run text not null, passed_ms integer not null, strays integer not null, primary key (device_id, run)
  ) strict, without rowid`,
]

const certified = [`alter table access_requests add column specialist_certificate text`]

/** Enrolment codes end. One from before has 30 days from here. */
const codesEnd = [
  `alter table enrolments add column expires_ms integer not null default 0`,
  `update enrolments set expires_ms = (unixepoch() + 30 * 86400) * 1000`,
  `alter table sign_in_failures add column door text not null default 'sign-in'`,
]

/** From where each sign-in was made, and why one was ended that has not ended by itself (R068). */
const elsewhere = [
  `create table sign_ins (
    grant_id text primary key, specialist_id text not null references specialists (id), place text not null, began_ms integer not null, address text not null, system text
  ) strict`,
  `create index sign_ins_of on sign_ins (specialist_id)`,
  `alter table reused_sign_ins rename to ended_sign_ins`,
  `alter table ended_sign_ins add column code text not null default 'auth.sign-in-copied'`,
]

/** Licensed features: what the directory says, and what the device says it holds. */
const licences = [
  `alter table devices add column subscriptions_json text not null default '[]'`,
  `alter table devices add column licences_number integer not null default 0`,
  `alter table devices add column licensed_json text not null default '[]'`,
]

/** What R088 asks beside the screening. Nobody has acknowledged the plan before the directory file, which is taken over again, says when. */
const activation = [
  `alter table specialists add column plan_acknowledged_on text`,
  `alter table customers add column posture_json text`,
  `delete from meta where name = 'seed-hash'`,
]

const practice = [`alter table devices add column practice integer not null default 0`]

export const migrations: Record<string, Migration> = {
  '0001-first': { up: (db: Kysely<unknown>) => runAll(db, first) },
  '0002-regions': { up: (db: Kysely<unknown>) => runAll(db, regions) },
  '0003-cases': { up: (db: Kysely<unknown>) => runAll(db, cases) },
  '0004-disabled': { up: (db: Kysely<unknown>) => runAll(db, disabled) },
  '0005-policy': { up: (db: Kysely<unknown>) => runAll(db, policy) },
  '0006-sign-ins': { up: (db: Kysely<unknown>) => runAll(db, signIns) },
  '0007-upstream': { up: (db: Kysely<unknown>) => runAll(db, upstream) },
  '0008-notices': { up: (db: Kysely<unknown>) => runAll(db, notices) },
  '0009-passkeys': { up: (db: Kysely<unknown>) => runAll(db, passkeys) },
  '0010-places': { up: (db: Kysely<unknown>) => runAll(db, places) },
  '0011-certified': { up: (db: Kysely<unknown>) => runAll(db, certified) },
  '0012-codes-end': { up: (db: Kysely<unknown>) => runAll(db, codesEnd) },
  '0013-elsewhere': { up: (db: Kysely<unknown>) => runAll(db, elsewhere) },
  '0014-licences': { up: (db: Kysely<unknown>) => runAll(db, licences) },
  '0015-activation': { up: (db: Kysely<unknown>) => runAll(db, activation) },
  '0016-practice': { up: (db: Kysely<unknown>) => runAll(db, practice) },
}

async function runAll(db: Kysely<unknown>, statements: string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}
