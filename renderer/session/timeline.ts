import type { AuditEvent } from '@gantry/shared/audit.ts'

/** dot = command or program, square = file, diamond = change of server, consent = the person's yes (design: States). */
export type Mark = { id: string; kind: 'dot' | 'square' | 'diamond' | 'consent'; share: number; event: AuditEvent }

const kinds: Partial<Record<AuditEvent['kind'], Mark['kind']>> = {
  'access.approved': 'consent',
  'session.opened': 'consent',
  'terminal.opened': 'dot',
  'menu.opened': 'dot',
  'exec.started': 'dot',
  'action.finished': 'dot',
  'channel.refused': 'dot',
  'file.sent': 'square',
  'file.received': 'square',
  'file.deleted': 'square',
  'file.renamed': 'square',
  'folder.made': 'square',
  'file.refused': 'square',
  'link.switched': 'diamond',
}

/** Events along the granted time. What came before the first byte stands at its start. */
export function marksOf(events: readonly AuditEvent[], startMs: number, endMs: number): Mark[] {
  return events.flatMap((event) => {
    const kind = kinds[event.kind]
    if (!kind) return []
    const share = (Date.parse(event.at) - startMs) / (endMs - startMs)
    return [{ id: event.id, kind, share: Math.min(1, Math.max(0, share)), event }]
  })
}

/** Amber from 10 minutes or a fifth left, red from 2 minutes or a twentieth; the smaller limit counts, so that a short session does not start in amber. */
export function urgencyOf(leftMs: number, grantedMs: number): 'calm' | 'soon' | 'now' {
  if (leftMs <= Math.min(120_000, grantedMs * 0.05)) return 'now'
  return leftMs <= Math.min(600_000, grantedMs * 0.2) ? 'soon' : 'calm'
}
