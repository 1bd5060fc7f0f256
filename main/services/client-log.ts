import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import log from 'electron-log/node'
import type { ServiceLog } from './services.ts'

const maxBytes = 5_242_880

/**
 * The client's own log, `client.log` in the profile, 5 MiB and one older file. Codes, ids and counts only: no token, no key, nothing that a device said or a person typed.
 */
export function openClientLog(profileDir: string, party: string): { log: ServiceLog; path: string; close(): void } {
  const path = join(profileDir, 'client.log')
  const logger = log.create({ logId: `${party}-${profileDir}` })
  logger.transports.console.level = false
  logger.transports.file.resolvePathFn = () => path
  logger.transports.file.maxSize = maxBytes
  logger.transports.file.format = '{y}-{m}-{d}T{h}:{i}:{s}.{ms} [{level}] {text}'
  const write = (level: 'info' | 'warn' | 'error'): ServiceLog['info'] => {
    return (message, facts) => {
      logger[level](facts ? `${message} ${JSON.stringify({ party, ...facts })}` : message)
    }
  }
  const opened: ServiceLog = { info: write('info'), warn: write('warn'), error: write('error') }
  opened.info('started', { pid: process.pid })
  if (process.platform !== 'win32' && existsSync(path)) chmodSync(path, 0o600)
  return {
    log: opened,
    path,
    // What ends later must not make the file anew in a profile that is gone.
    close() {
      logger.transports.file.level = false
    },
  }
}
