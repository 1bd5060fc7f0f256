import type { AccessState, EndCause } from '@gantry/shared/access-request.ts'
import type { SignInPlace } from '@gantry/shared/client-api.ts'
import type { CustomerId, DeliveryId, DeviceId, RequestId, SpecialistId, TicketId } from '@gantry/shared/ids.ts'
import type { AccessLevel, EntitlementKind, ServiceKind } from '@gantry/shared/profile.ts'
import type { CompactJws } from '@gantry/shared/ticket.ts'
import type { Generated } from 'kysely'

/** Why a sign-in was ended by force: one of its tokens was used twice (D12), or it gave way to one elsewhere (R068). */
export type SignInEnd = 'auth.sign-in-copied' | 'auth.signed-in-elsewhere' | 'auth.session-expired'

/** The database's tables. `*_json` holds JSON text, `*_ms` milliseconds since 1970, booleans are 0 and 1. */
export type Tables = {
  meta: { name: string; value: string }
  customers: {
    id: string
    name: string
    regions_json: string | null
    /** The customer's own list; null: the default one. */
    origins_json: Generated<string | null>
    change_control_json: Generated<string | null>
    notices_json: Generated<string | null>
    posture_json: Generated<string | null>
  }
  sites: {
    id: string
    customer_id: string
    name: string
    city: string
    country: string
    time_zone: string
    contact_json: string | null
    quiet_hours_json: Generated<string>
  }
  models: { id: string; name: string; kind: 'injector' | 'software' }
  devices: {
    id: DeviceId
    site_id: string
    model_id: string
    name: string
    serial: string
    connectivity: 'on' | 'off'
    enrolled_ms: number | null
    revoked_ms: number | null
    /** PEM, and base64url of SHA-256 of its DER. */
    certificate: string | null
    certificate_thumbprint: string | null
    device_key_json: string | null
    host_key: string | null
    audit_key_json: string | null
    agent_version: string | null
    software_version: string | null
    last_contact_ms: number | null
    instant_pickup: number
    separated: number
    rules_json: string | null
    roster_number: number
    /** As the directory says (`Subscription`), and since which change. */
    subscriptions_json: Generated<string>
    licences_number: Generated<number>
    /** Names of the features that it holds as licensed. */
    licensed_json: Generated<string>
    /** 1: for rehearsals. */
    practice: Generated<number>
    /** Since when the directory says so, or names it no more. It may still call in, for its ends. */
    disabled_ms: Generated<number | null>
    /** By which it was ahead at its last poll, to the minute; 0: no more than signed times may differ. */
    clock_off_s: Generated<number>
    /** Of the agent's process that called in last, and since when two of them have called in by turns (`polls/places.ts`). */
    run: Generated<string | null>
    two_places_ms: Generated<number | null>
  }
  /** Processes that called in before the one that does now. `strays`: polls of this one since then. */
  device_runs: { device_id: DeviceId; run: string; passed_ms: number; strays: number }
  entitlements: { device_id: DeviceId; kind: EntitlementKind; name: string; starts_on: string; ends_on: string; terms_json: string | null; calls_json: string }
  /** One row per enrolment code; only its SHA-256 is kept. From `expires_ms` on it is as good as unknown. */
  enrolments: { secret_hash: string; device_id: DeviceId; used_ms: number | null; expires_ms: Generated<number> }
  profiles: { id: string; name: string; grants_json: string }
  specialists: {
    id: SpecialistId
    username: string
    name: string
    employer: string
    country: string
    city: string
    tier: number
    training_json: string
    screened_on: string | null
    plan_acknowledged_on: Generated<string | null>
    profile_id: string
    /** PHC string, Argon2id; '' = none, and none fits. */
    password: string
    /** '' = none. */
    totp_secret: string
    /** Who the person is at the organisation's OpenID provider; unique together. */
    issuer: Generated<string | null>
    subject: Generated<string | null>
    /** The newest TOTP step that was used; none at or before it counts again. */
    totp_step: Generated<number>
    /** Since when the directory says so, or names the person no more. */
    disabled_ms: Generated<number | null>
  }
  support_contacts: { region: string; phone: string; mail: string }
  /** What oidc-provider keeps. `id` is a SHA-256 where it is itself a secret. */
  oidc_records: {
    model: string
    id: string
    payload_json: string
    grant_id: string | null
    uid: string | null
    consumed_s: number | null
    expires_ms: number | null
  }
  /** A sign-in between its first factor and its second. `vouched_ms`: when the person signed in at the upstream provider; null where the first was a password. */
  /** `challenge`: what a passkey is asked to sign now. `shown_json`: both factors were given (`Shown`), and the person looks after the passkeys. */
  sign_in_steps: {
    uid: string
    specialist_id: SpecialistId
    expires_ms: number
    vouched_ms: Generated<number | null>
    challenge: Generated<string | null>
    shown_json: Generated<string | null>
  }
  /** `public_key`: COSE, base64url (WebAuthn section 6.5.1.1). */
  passkeys: {
    id: string
    specialist_id: SpecialistId
    public_key: string
    counter: number
    transports_json: string
    synced: number
    added_ms: number
    used_ms: Generated<number | null>
  }
  /** A sign-in whose person was sent to the upstream provider. Of `state`, the SHA-256. */
  upstream_visits: { uid: string; state_hash: string; sent_ms: number; expires_ms: number }
  /** One row per sign-in that was finished. `place`: shared by those that one client made one after the other, each in the place of the last; the id of the first. */
  sign_ins: { grant_id: string; specialist_id: SpecialistId; place: string; began_ms: number; address: string; system: SignInPlace['system'] }
  /** Ended for what was feared or is not allowed; what was opened under them ends with them. `code`: of the failure that says why. */
  ended_sign_ins: { grant_id: string; at_ms: number; code: Generated<SignInEnd> }
  /** `door`: where (`throttle.ts`); also misses of enrolment codes. */
  sign_in_failures: { door: Generated<string>; account: string; address: string; at_ms: number }
  access_requests: {
    id: RequestId
    device_id: DeviceId
    specialist_id: SpecialistId
    access: AccessLevel
    service_kind: ServiceKind
    case_id: string
    minutes: number
    state: AccessState
    created_ms: number
    changed_ms: number
    opened_ms: number | null
    ended_ms: number | null
    /** When the present state runs out by itself. */
    deadline_ms: number
    end_cause: EndCause | null
    refusal_json: string | null
    commitment: string
    revealed: string | null
    request_hash: string
    ticket_id: TicketId
    ticket: string
    access_server_json: string
    /** The certificate that the device answered under, as it was when the ticket was signed. */
    device_certificate: string
    device_key_json: string
    /** The sign-in that asked; null where it was before that was kept. */
    grant_id: Generated<string | null>
    /** The authority's certificate that it was asked under; null where it was before that was kept. */
    specialist_certificate: Generated<CompactJws | null>
  }
  /** One row per case: the vendor's number within one customer. */
  cases: {
    customer_id: CustomerId
    number: string
    /** The device of the first request that named it. */
    device_id: DeviceId
    opened_ms: number
    opened_by: SpecialistId
    holder: SpecialistId
    escalated_by: SpecialistId | null
    escalated_ms: number | null
    escalation_reason: string | null
    closed_ms: number | null
    closed_by: SpecialistId | null
    resolution: string | null
  }
  /** One row per request of which the customer's contact is told. */
  notices: {
    request_id: RequestId
    device_id: DeviceId
    rule: 'told' | 'accepted'
    state: 'sending' | 'delivered' | 'accepted' | 'refused' | 'failed' | 'expired'
    /** Why it failed. */
    reason: string | null
    language: 'en' | 'fr'
    facts_json: string
    created_ms: number
    deadline_ms: number
  }
  /** The outbox: one row per contact. Of its link only the SHA-256 is kept. */
  notice_sends: {
    id: string
    request_id: RequestId
    channel: 'mail' | 'webhook'
    target: string
    token_hash: string
    state: 'waiting' | 'sent' | 'failed'
    attempts: number
    next_ms: number
    reason: string | null
    answered_ms: number | null
  }
  answers: { request_id: RequestId; position: number; kind: string; jws: string }
  deliveries: {
    id: DeliveryId
    position: Generated<number>
    device_id: DeviceId
    /** What may be queued only once for a device. */
    subject: string
    body_json: string
    created_ms: number
    handled_ms: number | null
    /** 1: not before the customer's contact was told. */
    held: Generated<number>
  }
}
