import { type AllowList, allowListOf, findAllowed } from '@gantry/shared/allow-list.ts'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import type { Policy } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { Config } from './config.ts'
import type { Enrolment } from './identity.ts'
import type { Log } from './log.ts'
import { proxyPlace } from './proxy.ts'

/** What this device may reach: its config, and the access servers that its enrolment named unless the config names them; of these, what the customer's policy lists. */
export function allowListOfDevice(config: Config, enrolment: Pick<Enrolment, 'accessServers'> | null, servers: Policy['servers']): AllowList {
  const { deviceName: device, mainServers, addresses } = config
  const accessServers = config.accessServers ?? enrolment?.accessServers ?? []
  const list = allowListOf({ device, proxy: proxyPlace(config.proxy), mainServers, accessServers, addresses })
  if (servers === null) return list
  return { ...list, hosts: list.hosts.filter(({ host, port }) => servers.some((one) => one.host === host && one.port === port)) }
}

export type AllowedDialWith = {
  allowList: () => AllowList
  audit: (event: NewDeviceEvent) => void
  log: Log
}

/** Refusals that are told one by one; a server that names ever new hosts does not fill the audit with them. */
const maxTold = 200

/**
 * The dialler, for hosts of the list only (R042, R047): anything else is refused before DNS is asked, with `server.not-allowed {host, port}`. That, and a host
 * that shows somebody else's certificate, is written to the audit, once each.
 */
export function createAllowedDial(dial: Dial, { allowList, audit, log }: AllowedDialWith): Dial {
  const told = new Set<string>()
  const tell = ({ code, details }: AppError) => {
    const seen = JSON.stringify([code, details])
    if (told.has(seen) || told.size >= maxTold) return
    told.add(seen)
    log.error({ code, ...details }, 'server refused')
    audit({ kind: 'device.server-refused', actor: { kind: 'unknown' }, data: { code, ...details } })
  }
  return async (target) => {
    const { host, port } = target
    try {
      if (!findAllowed(allowList(), target)) throw new AppError('server.not-allowed', { details: { host, port } })
      return await dial(target)
    } catch (error) {
      if (error instanceof AppError && (error.code === 'server.not-allowed' || error.code === 'server.identity-wrong')) tell(error)
      throw error
    }
  }
}
