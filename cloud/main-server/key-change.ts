import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import type { Logger } from 'pino'
import type { ListedKeys } from './authority-in.ts'
import type { RotatingKeys } from './rotating-keys.ts'

export type KeyChangeWith = {
  keys: RotatingKeys
  /** PEM of the device CAs that count from now on. */
  onDeviceCas: (bundle: string) => void
  append: (event: NewAuditEvent) => void
  log: Logger
  /** Milliseconds. */
  now: () => number
}

/** For the ticket key: every access server that is up has beaten by then, and has the list, so none meets a ticket under a key that it does not know yet. A device CA need not wait. */
const settleMs = 10_000

/** To be called with the newest list, again and again: what it names, and waits here, takes over. No connection and no session ends by it. */
export function createKeyChange({ keys, onDeviceCas, append, log, now }: KeyChangeWith): (list: ListedKeys | null) => void {
  let foreign = 0
  return (list) => {
    if (!list) return
    const listed = list.payload
    const isSettled = now() - list.sinceMs >= settleMs
    const changes = [...keys.followDeviceCas(listed), ...(isSettled ? keys.followTicket(listed) : [])]
    for (const { what, mark } of changes) {
      append({ kind: 'server.key-changed', actor: { kind: 'main-server' }, data: { what, mark, list: listed.number } })
      log.info({ what, mark }, 'key changed')
    }
    if (changes.some(({ what }) => what !== 'ticket-key')) onDeviceCas(keys.deviceCas().join('\n'))
    const counts = listed.ticketKeys.some(({ key, until }) => thumbprint(key) === thumbprint(keys.ticket().publicJwk) && (until ?? Infinity) >= now() / 1_000)
    if (counts || !isSettled || foreign === listed.number) return
    foreign = listed.number
    log.error({ list: listed.number }, 'the list of keys does not name this server’s ticket key: devices refuse its tickets')
  }
}
