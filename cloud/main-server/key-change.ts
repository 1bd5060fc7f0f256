import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import type { Logger } from 'pino'
import type { ListedKeys } from './authority-in.ts'
import type { RotatingKeys } from './rotating-keys.ts'

export type KeyChangeWith = {
  keys: RotatingKeys
  list: () => ListedKeys | null
  /** PEM of the device CAs that count from now on. */
  onDeviceCas: (bundle: string) => void
  append: (event: NewAuditEvent) => void
  log: Logger
  /** Milliseconds. */
  now: () => number
}

/** Every access server that is up has beaten by then, and has the list: none meets a ticket under a key that it does not know yet. */
const settleMs = 10_000

/** To be called again and again: what the authority has listed, and waits here, takes over. No connection and no session ends by it. */
export function createKeyChange({ keys, list, onDeviceCas, append, log, now }: KeyChangeWith): () => Promise<void> {
  let foreign = 0
  return async () => {
    const newest = list()
    if (!newest || now() - newest.sinceMs < settleMs) return
    const listed = newest.payload
    const changes = keys.follow(listed)
    for (const { what, mark } of changes) {
      append({ kind: 'server.key-changed', actor: { kind: 'main-server' }, data: { what, mark, list: listed.number } })
      log.info({ what, mark }, 'key changed')
    }
    if (changes.some(({ what }) => what !== 'ticket-key')) onDeviceCas(keys.deviceCas().join('\n'))
    const counts = listed.ticketKeys.some(({ key, until }) => thumbprint(key) === thumbprint(keys.ticket().publicJwk) && (until ?? Infinity) >= now() / 1_000)
    if (counts || foreign === listed.number) return
    foreign = listed.number
    log.error({ list: listed.number }, 'the list of keys does not name this server’s ticket key: devices refuse its tickets')
  }
}
