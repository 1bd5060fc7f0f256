import type { KeyObject } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { AuditEvent, AuditLink, NewDeviceEvent } from '@gantry/shared/audit.ts'
import type { OpenSessionLeg } from '@gantry/shared/node/session-legs.ts'
import type { AgentToPanel, PanelToAgent } from '@gantry/shared/panel.ts'
import type { ProfileLimits } from '@gantry/shared/profile.ts'
import type { CertificatePayload, CompactJws, LegName, PublicJwk, RequestPayload, TicketPayload } from '@gantry/shared/ticket.ts'
import type { Separation } from './separation.ts'

/**
 * All that a session rests on, checked before it came here: ticket, request, both signatures, certificate, roster, local policy and the person's yes.
 * Nothing in this folder reads a policy file, a roster or a key store; what it may do stands in this object and in `SessionTools`.
 */
export type Grant = {
  request: RequestPayload
  ticket: TicketPayload
  ticketText: CompactJws
  certificate: CertificatePayload
  approvedBy: 'policy' | 'person'
  /** The slice of the device's policy that still matters once the session is open. */
  policy: SessionPolicy
}

export type SessionPolicy = {
  /** Minutes without a byte from the specialist or a program after which the session ends (`idle`). */
  idleMinutes: number
  /** The longest that it may last, more time included. */
  sessionMinutes: number
  /** Octets after which it ends (`budget`); null: as many as it takes. */
  maxBytes: number | null
  files: FilesPolicy
  /** Of the actions that the level holds, those that the person's profile holds too. */
  actions: ProfileLimits['actions']
}

/**
 * What the owner lets through: to the device (upload), from the device (download), the largest file in bytes, where (null: everywhere below the root), and what of it
 * stays shut until somebody says yes.
 */
export type FilesPolicy = { toDevice: boolean; fromDevice: boolean; maxFileBytes: number; paths: string[] | null; restricted: string[] }

/** The account that owns the device's files and runs the session's programs. Ids as numbers; `home` is an absolute path. */
export type DeviceUser = { uid: number; gid: number; name: string; home: string }

/** How the device's own service is reached: argument vectors, never a shell line. `log` is a path. */
export type ServiceCommands = { restart: string[]; status: string[]; menu: string[]; log: string }

export type SessionReach = 'none' | 'open'

export type SessionConfig = {
  /** Absolute path of the folder that the device's owner opens to specialists. */
  filesRoot: string
  /** Null where this machine cannot run the shell as somebody else: then it runs as the agent, and panel, log and client are told. */
  user: DeviceUser | null
  /** `none`: its programs have no network at all. `open`: this machine cannot take it from them, which panel, log, client and main server are told. */
  network: SessionReach
  /** Unix sockets that its programs keep, such as that of the device's own software: absolute paths. */
  sockets: string[]
  /** Absolute path of the shell, e.g. `/bin/bash`. */
  shell: string
  service: ServiceCommands
  language: 'en' | 'fr'
  /** Shown by `diagnostics.collect`, e.g. `{ agent: '0.1.0', software: '7.4.2' }`. */
  versions: Record<string, string>
}

/** The part of the audit log that a session reads: its head, other parties' heads, and lines as they are written. */
export type SessionAuditLog = {
  publicJwk: PublicJwk
  /** The newest signed head (compact JWS). */
  head(): CompactJws
  /** Writes another party's head into this log as `head.witnessed`. */
  witness(head: CompactJws, party: string): unknown
  onLine(listener: (link: AuditLink) => void): () => void
}

/** `pino` has this shape. No path, no typed text and no output ever goes into the log: it is not the device's private audit. */
export type SessionLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type SessionTools = {
  /** Dials the ticket's access servers and resolves when the client's leg is joined; rejects with a code of `errors.ts`. Control legs have the link. */
  openLeg(leg: LegName, options: OpenSessionLeg): Promise<Duplex>
  /** The device's SSH host key: P-256, as KeyObject or PKCS#8 PEM. */
  hostKey: KeyObject | string
  /** Written and synced before it returns; throws `audit.unavailable`, upon which the session ends with `audit-failed`. */
  audit(event: NewDeviceEvent): AuditEvent
  auditLog: SessionAuditLog
  /** Must not throw; what cannot be shown is dropped by the panel's client. */
  tellPanel(message: AgentToPanel): void
  /** What a person pressed; returns the function that stops it. */
  onPress(listener: (press: PanelToAgent) => void): () => void
  config: SessionConfig
  /** What its programs will live in; made when it is asked for, where this is left out. Whoever takes it closes it. */
  separate?: () => Promise<Separation>
  log: SessionLog
  /** Milliseconds since 1970; the real clock where it is left out. */
  now?: () => number
}
