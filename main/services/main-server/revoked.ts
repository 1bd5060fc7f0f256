import { join } from 'node:path'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { Hash } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { ServiceLog } from '../services.ts'

const Kept = z.strictObject({ version: z.literal(1), mainServer: z.string(), revoked: z.array(Hash).max(64) })

/**
 * Which server certificates count no more, as the main server last said (R061). It is kept through a sign-out, since whoever holds such a certificate would not repeat it. The list is
 * believed because the server that hands it on has shown a certificate that counts; the client does not know the authority's key.
 */
export type Revoked = {
  current(): readonly Hash[]
  /** True where it is another list. */
  take(list: readonly Hash[]): boolean
}

export function openRevoked(profileDir: string, mainServer: string, log: Pick<ServiceLog, 'warn'>): Revoked {
  const path = join(profileDir, 'revoked-certificates.json')
  let current = readKept()
  return {
    current: () => current,
    take(list) {
      if (list.length === current.length && list.every((one) => current.includes(one))) return false
      current = [...list]
      keep()
      return true
    },
  }

  /** One that cannot be read counts as none: the main server says it again before anything is signed. */
  function readKept(): Hash[] {
    try {
      const kept = readJsonFileIfThere(path, Kept)
      return kept?.mainServer === mainServer ? kept.revoked : []
    } catch (error) {
      log.warn('list of revoked certificates unreadable', { reason: String(error) })
      return []
    }
  }

  function keep(): void {
    try {
      writeJsonFile(path, { version: 1, mainServer, revoked: current })
    } catch (error) {
      log.warn('list of revoked certificates not kept', { reason: String(error) })
    }
  }
}
