import { actions } from '@gantry/shared/actions.ts'
import type { AuditEvent } from '@gantry/shared/audit.ts'
import { isErrorCode } from '@gantry/shared/errors.ts'
import {
  Activity,
  ArrowDown,
  ArrowLeftRight,
  ArrowUp,
  BadgeCheck,
  ChevronRight,
  CircleStop,
  FilePen,
  FolderPlus,
  Hand,
  Hourglass,
  Lock,
  type LucideIcon,
  Route,
  Send,
  ShieldAlert,
  ShieldCheck,
  SquareTerminal,
  Trash2,
  Unplug,
  Wrench,
} from 'lucide-react'
import type { Speech } from '../../ui/language.tsx'

export type EventLine = { icon: LucideIcon; tone: 'live' | 'danger' | 'ink'; title: string; detail: string }

const icons: Partial<Record<AuditEvent['kind'], LucideIcon>> = {
  'access.requested': Send,
  'access.approved': Hand,
  'access.asked': Hand,
  'access.refused': Lock,
  'session.opened': BadgeCheck,
  'time.asked': Hourglass,
  'time.refused': Lock,
  'session.prolonged': Hourglass,
  'restricted.asked': Hourglass,
  'restricted.refused': Lock,
  'restricted.opened': ShieldAlert,
  'session.ended': CircleStop,
  'terminal.opened': SquareTerminal,
  'menu.opened': SquareTerminal,
  'exec.started': ChevronRight,
  'exec.finished': ChevronRight,
  'action.finished': Wrench,
  'file.sent': ArrowUp,
  'file.received': ArrowDown,
  'file.digested': BadgeCheck,
  'file.deleted': Trash2,
  'file.renamed': FilePen,
  'folder.made': FolderPlus,
  'file.refused': Lock,
  'channel.refused': Lock,
  'leg.paired': Route,
  'leg.admitted': Route,
  'session.probed': ShieldCheck,
  'session.network-reached': ShieldAlert,
  'link.switched': ArrowLeftRight,
  'link.interrupted': Unplug,
  'link.resumed': Route,
}

/** One event in words, from its public part alone: names and paths stay at the device. */
export function describeEvent(event: AuditEvent, { words, format, language, explain }: Speech): EventLine {
  const { kinds, by } = words.session.activity
  const data = event.data ?? {}
  const bytes = typeof data.bytes === 'number' ? data.bytes : typeof data.size === 'number' ? data.size : null
  const action = typeof data.action === 'string' && Object.hasOwn(actions, data.action) ? actions[data.action as keyof typeof actions].title[language] : null
  const code = typeof data.code === 'string' && isErrorCode(data.code) ? explain({ code: data.code }).what.replace(/\.$/, '') : null
  const isRefusal = event.kind.endsWith('.refused') || event.kind === 'session.network-reached'
  const server = event.kind.startsWith('link.') && typeof data.accessServer === 'string' ? data.accessServer.slice(0, 60) : null
  const detail = [
    action,
    server,
    bytes === null ? null : format.bytes(bytes),
    event.cause ? words.session.ended.titles[event.cause] : null,
    code,
    event.actor.kind === 'specialist' ? null : (event.actor.name ?? by[event.actor.kind]),
  ]
  return {
    icon: icons[event.kind] ?? Activity,
    tone: isRefusal ? 'danger' : event.kind === 'access.approved' || event.kind === 'session.opened' ? 'live' : 'ink',
    title: kinds[event.kind] ?? event.kind,
    detail: detail.filter(Boolean).join(', '),
  }
}
