import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { type AuditLog, openAuditLog } from '@gantry/shared/node/audit-log.ts'
import type { Logger } from 'pino'
import { type Config, isForTests, isLoopback } from './config.ts'
import { type Database, openDatabase } from './database.ts'
import { type Keys, loadKeys } from './keys.ts'
import { lockState } from './state-lock.ts'

/** What stands before anything is served: the folder's lock, keys, database and audit. */
export type Ground = { keys: Keys; db: Database; audit: AuditLog }
type Start = { opened: AsyncDisposableStack; log: Logger; now: () => number }

export async function openGround(config: Config, { opened, now }: Start): Promise<Ground> {
  requireConfig(config)
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 })
  chmodSync(config.stateDir, 0o700)
  opened.defer(lockState(config.stateDir))
  const keys = await loadKeys(config.stateDir)
  const db = await openDatabase(join(config.stateDir, 'gantry.db'))
  opened.defer(() => db.destroy())
  const audit = openAuditLog({ folder: config.stateDir, key: keys.audit, party: 'main-server', keepsPrivate: false, now })
  opened.defer(() => audit.close())
  return { keys, db, audit }
}

/** A sandbox is on loopback alone. Elsewhere there is no way in by a password that is kept here (R069, R070), but under a name that no server of a hospital or vendor can have. */
function requireConfig({ sandbox, host, publicHost, upstream }: Config): void {
  const field = sandbox ? !(isLoopback(host) && isLoopback(publicHost)) && 'sandbox' : upstream === null && !isForTests(publicHost) && 'upstream'
  if (field) throw new AppError('state.unreadable', { details: { what: 'config', field } })
}
