import { z } from 'zod'
import { EndCause } from './access-request.ts'
import { DeviceId, EventId, LogId, RequestId } from './ids.ts'
import { CompactJws, Hash } from './ticket.ts'

/**
 * The audit, as every party keeps it (architecture 3.6; R089-R092). One file `audit.jsonl` per party, one line per event:
 *
 *   {"event":{…public part…},"prev":"<hash>","private":{"salt":"…",…},"seq":7}\n
 *
 * - Lines are canonical JSON (RFC 8785: sorted keys, no white space), so every byte is covered.
 * - hash(line) = SHA-256 of canonical {"event","prev","seq"}; `prev` is the hash of the line before (43 times "A" at seq 1).
 * - The private part (paths, typed text, output) is covered by `event.privateHash` = SHA-256 of canonical `private`, salt included.
 *   It stays on the device and on the screen; other parties store the same event without it.
 * - Line 1 is `log.opened` and names the log's id and public key. The newest signed head lies beside the file (`log-head.jws`);
 *   other parties' heads are written into the log as `head.witnessed`, so that a cut tail shows.
 * - An event of another party is stored with its own id, unchanged: two logs agree when the events with the same id are equal.
 */
export const AuditKind = z.enum([
  'log.opened',
  'log.repaired',
  'head.witnessed',
  'specialist.signed-in',
  'specialist.sign-in-refused',
  'specialist.signed-out',
  'specialist.passkey-added',
  'specialist.passkey-removed',
  'authority.made',
  'authority.key-changed',
  'authority.restored', // from a copy: its numbers go on above what was published
  'officer.added',
  'officer.removed',
  'officer.refused', // a passphrase that is not the officer's
  'certification.imported',
  'specialist.certified',
  'specialist.revoked',
  'roster.signed',
  'roster.accepted',
  'roster.refused',
  'server-keys.signed',
  'server-keys.accepted',
  'server-keys.refused',
  'authority-keys.accepted',
  'authority-keys.refused',
  'specialist.disabled',
  'specialist.enabled',
  'directory.changed',
  'directory.refused',
  'device.disabled',
  'device.enabled',
  'device.enrolled',
  'device.renewed', // its certificate, at two thirds of its life
  'device.started',
  'device.stopped',
  'device.policy-loaded',
  'device.policy-refused', // and nobody comes in until it is mended
  'device.switched', // off or on, by somebody at the panel
  'device.server-refused',
  'device.two-places', // an alarm: two machines show its key
  'enrolment.refused',
  'data-file.stored',
  'data-file.refused',
  'licences.changed',
  'licences.refused',
  'software.downloaded', // of a licensed feature; put in place, installed by nobody here
  'software.refused',
  'maintenance.finished',
  'access.requested',
  'access.refused',
  'access.picked-up',
  'access.asked',
  'access.countersigned', // by a key of the customer's own
  'access.approved',
  'access.withdrawn',
  'access.cancelled',
  'access.expired',
  'access.revoked', // what let it pass does not hold any more
  'notice.delivered', // to the customer's contact outside the device
  'notice.failed',
  'notice.answered',
  'case.opened',
  'case.escalated',
  'case.closed',
  'session.opened',
  'session.ended',
  'time.asked', // for more of it, while the session goes on
  'time.refused',
  'session.prolonged',
  'restricted.asked', // for what may hold patient data, while the session goes on
  'restricted.refused',
  'restricted.opened', // until the session ends
  'session.probed', // from where its programs live: which addresses it tried, and whether all were blocked
  'session.network-reached', // an alarm: one was not
  'terminal.opened',
  'terminal.closed',
  'exec.started',
  'exec.finished',
  'menu.opened',
  'sftp.opened',
  'action.started',
  'action.finished',
  'file.sent', // to the device
  'file.received', // from the device
  'file.digested', // of a file that was sent or received: the digest, when it came later
  'file.deleted',
  'file.renamed',
  'folder.made',
  'file.refused',
  'channel.refused',
  'leg.admitted',
  'leg.refused',
  'leg.paired',
  'leg.closed',
  'link.switched', // another access server carries the session
  'link.interrupted',
  'link.resumed',
  'access-server.listed',
  'access-server.up',
  'access-server.draining',
  'access-server.lost',
  'access-server.refused',
  'update.refused', // what was offered to the desktop client, as not signed, too old, or for others
  'update.installed', // by the desktop client, which ends for it
  'server.started',
  'server.draining',
  'server.stopped',
  'server.certificate-taken', // a new one, without a restart
  'server.key-changed', // the next ticket key or device CA has taken over
  'server.certificate-refused', // what lies there is no pair, or not in its time
])
export type AuditKind = z.infer<typeof AuditKind>

/** What a device says of itself: an agent writes nothing else, and a main server takes nothing else from one, or a device would be writing in another party's name. */
export const DeviceKind = AuditKind.extract([
  ...([
    'log.opened',
    'log.repaired',
    'head.witnessed',
    'maintenance.finished',
    'data-file.stored',
    'data-file.refused',
    'licences.changed',
    'licences.refused',
    'software.downloaded',
    'software.refused',
    'roster.accepted',
    'roster.refused',
    'server-keys.accepted',
    'server-keys.refused',
    'authority-keys.accepted',
    'authority-keys.refused',
  ] as const),
  ...([
    'device.enrolled',
    'device.renewed',
    'device.started',
    'device.stopped',
    'device.policy-loaded',
    'device.policy-refused',
    'device.switched',
    'device.server-refused',
  ] as const),
  ...([
    'access.requested',
    'access.refused',
    'access.picked-up',
    'access.asked',
    'access.countersigned',
    'access.approved',
    'access.withdrawn',
    'access.cancelled',
    'access.expired',
  ] as const),
  ...(['session.opened', 'session.ended', 'session.prolonged', 'session.probed', 'session.network-reached', 'time.asked', 'time.refused'] as const),
  ...(['restricted.asked', 'restricted.refused', 'restricted.opened'] as const),
  ...(['terminal.opened', 'terminal.closed', 'exec.started', 'exec.finished', 'menu.opened', 'sftp.opened', 'action.started', 'action.finished'] as const),
  ...(['file.sent', 'file.received', 'file.digested', 'file.deleted', 'file.renamed', 'folder.made', 'file.refused'] as const),
  ...(['channel.refused', 'leg.refused', 'link.switched', 'link.interrupted', 'link.resumed'] as const),
])
export type DeviceKind = z.infer<typeof DeviceKind>

export const Actor = z.strictObject({
  kind: z.enum(['specialist', 'person', 'agent', 'main-server', 'access-server', 'authority', 'client', 'unknown']),
  id: z.string().max(120).optional(),
  name: z.string().max(80).optional(),
})
export type Actor = z.infer<typeof Actor>

/** The public part of an event: what every party may store. No path, no typed text, no output, no patient data. */
export const AuditEvent = z.strictObject({
  id: EventId,
  at: z.iso.datetime(),
  kind: AuditKind,
  actor: Actor,
  requestId: RequestId.optional(),
  deviceId: DeviceId.optional(),
  cause: EndCause.optional(),
  data: z.record(z.string().max(40), z.union([z.string().max(500), z.number(), z.boolean()])).optional(),
  privateHash: Hash.optional(),
})
export type AuditEvent = z.infer<typeof AuditEvent>

/** What a part hands over to be written; id, time and hash are added by the log. `private` never leaves the device or the screen. */
export type NewAuditEvent = Omit<AuditEvent, 'id' | 'at' | 'privateHash'> & { private?: Record<string, string | number | boolean> }

export type NewDeviceEvent = NewAuditEvent & { kind: DeviceKind }

export const AuditLine = z.strictObject({
  event: AuditEvent,
  prev: Hash,
  private: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  seq: z.number().int().positive(),
})
export type AuditLine = z.infer<typeof AuditLine>

/** A line as another party may see it: own events whole, others only by their hash, so that the chain can be followed without a gap. */
export const AuditLink = z.strictObject({ seq: z.number().int().positive(), prev: Hash, hash: Hash, event: AuditEvent.nullable() })
export type AuditLink = z.infer<typeof AuditLink>

/** Signed with the party's audit key (typ `head`). */
export const HeadPayload = z.strictObject({ version: z.literal(1), logId: LogId, seq: z.number().int().positive(), hash: Hash, at: z.number().int() })
export type HeadPayload = z.infer<typeof HeadPayload>
export const SignedHead = CompactJws

export const firstPrev = 'A'.repeat(43) as Hash
