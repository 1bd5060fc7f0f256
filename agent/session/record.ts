import type { EndCause } from '@gantry/shared/access-request.ts'
import type { Actor, DeviceKind, NewDeviceEvent } from '@gantry/shared/audit.ts'
import type { AgentToPanel } from '@gantry/shared/panel.ts'
import type { z } from 'zod'
import type { FileEvent } from '../files/device-files.ts'
import type { Grant, SessionTools } from './grant.ts'

/**
 * What a session writes down and shows. An event is written, and synced, before the thing it tells happens; if it cannot be written the session ends
 * (`audit-failed`), and the thing does not happen. Paths, commands and digests are the private part: they stay on the device.
 */
export type EventParts = {
  data?: NewDeviceEvent['data']
  private?: NonNullable<NewDeviceEvent['private']>
  cause?: EndCause
  actor?: z.infer<typeof Actor>
}
type MoveKind = Extract<AgentToPanel, { type: 'session.moved' }>['move']['kind']

export type SessionRecord = {
  /** Throws `audit.unavailable`, after the session was told to end. */
  write(kind: DeviceKind, parts?: EventParts): void
  show(kind: MoveKind, text: string, more?: { bytes?: number; done?: boolean }): void
  /** A channel or request that the level does not hold, or that no level holds. `detail` is the client's own text. */
  refuse(what: string, detail?: string): void
  file(event: FileEvent): void
  readonly refusals: number
}

export type RecordOptions = Pick<SessionTools, 'audit' | 'tellPanel' | 'log'> & { grant: Grant; now(): number; end(cause: EndCause): void }

/** A client that asks for a thousand things that it may not have is no visit any more. */
const maxRefusals = 1_000
const maxShownCharacters = 500

export function createRecord({ grant, audit, tellPanel, log, now, end }: RecordOptions): SessionRecord {
  const { request, certificate } = grant
  const specialist = { kind: 'specialist', id: certificate.specialistId, name: certificate.name } as const
  let refusals = 0

  const write: SessionRecord['write'] = (kind, { actor = specialist, ...parts } = {}) => {
    try {
      audit({ kind, actor, requestId: request.id, deviceId: request.deviceId, ...parts })
    } catch (error) {
      log.error({ err: error, kind }, 'the audit cannot be written')
      end('audit-failed')
      throw error
    }
  }
  const show: SessionRecord['show'] = (kind, text, { bytes = null, done = true }: { bytes?: number | null; done?: boolean } = {}) => {
    tellPanel({ type: 'session.moved', requestId: request.id, move: { kind, text: text.slice(0, maxShownCharacters), bytes, done, atMs: now() } })
  }
  const count = () => {
    refusals += 1
    if (refusals >= maxRefusals) end('policy')
  }
  return {
    write,
    show,
    refuse(what, detail) {
      write('channel.refused', { data: { what: what.slice(0, 80) }, ...(detail ? { private: { detail: detail.slice(0, 1_000) } } : {}) })
      show('refused', detail ? `${what} ${detail}` : what)
      count()
    },
    file(event) {
      if (event.kind === 'refused') count()
      writeFileEvent({ write, show }, event)
    },
    get refusals() {
      return refusals
    },
  }
}

function writeFileEvent({ write, show }: Pick<SessionRecord, 'write' | 'show'>, event: FileEvent): void {
  const { path } = event
  // R086: what left of it, and what came in, is told apart, also where only the public part is seen.
  const restricted = event.restricted ? { restricted: true } : {}
  switch (event.kind) {
    case 'sent':
    case 'received': {
      const { bytes, whole, sha256 } = event
      const direction = event.kind === 'sent' ? 'to-device' : 'from-device'
      write(`file.${event.kind}`, { data: { bytes, direction, whole, ...restricted }, private: { path, ...(sha256 ? { sha256 } : {}) } })
      return show(event.kind, path, { bytes, done: whole })
    }
    case 'digested':
      return write('file.digested', { data: { bytes: event.bytes, ...restricted }, private: { path, sha256: event.sha256 } })
    case 'renamed':
      write('file.renamed', { data: restricted, private: { path, to: event.to } })
      return show('renamed', `${path} → ${event.to}`)
    case 'deleted':
      write('file.deleted', { data: restricted, private: { path } })
      return show('deleted', path)
    case 'folder-made':
      write('folder.made', { data: restricted, private: { path } })
      return show('folder', path)
    case 'refused':
      write('file.refused', { data: { operation: event.operation, code: event.code }, private: { path } })
      return show('refused', `${event.operation} ${path}`)
  }
}
