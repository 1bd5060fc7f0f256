import { createSessionLegs } from '@gantry/shared/node/session-legs.ts'
import type { Clock } from './clock.ts'
import type { Local } from './local.ts'
import type { Log } from './log.ts'
import type { PanelLink } from './panel-link.ts'
import type { Grant, SessionConfig, SessionTools } from './session/grant.ts'
import type { Separation } from './session/separation.ts'
import { agentVersion } from './version.ts'

export type SessionToolsWith = {
  local: Local
  panel: PanelLink
  inSession: Pick<SessionConfig, 'user' | 'network' | 'sockets'>
  separate: () => Promise<Separation>
  clock: Clock
  log: Log
}

/** What the device lends to each of its sessions. */
export function createSessionTools({ local, panel, inSession, separate, clock, log }: SessionToolsWith): (grant: Grant) => SessionTools {
  const { config, identity, audit } = local
  const { filesRoot, shell, service, language, softwareVersion } = config
  const versions = { agent: agentVersion, software: softwareVersion, 'session network': inSession.network }
  return ({ ticket, ticketText }) => {
    const auditLog = audit.log()
    if (!auditLog) throw new Error('no audit store, no session')
    return {
      openLeg: createSessionLegs({ dial: local.dial, ticket, ticketText, side: 'agent', key: identity.keys.device }).open,
      hostKey: identity.keys.host.privateKey,
      audit: audit.append,
      auditLog,
      tellPanel: panel.tell,
      onPress: panel.onPress,
      config: { filesRoot, ...inSession, shell, service, language, versions },
      separate,
      log,
      now: clock.now,
    }
  }
}
