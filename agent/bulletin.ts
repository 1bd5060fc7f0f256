import { BulletinAnswer, bulletinPath } from '@gantry/shared/access-api.ts'
import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { readCalls } from '@gantry/shared/node/bulletin.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import type { TicketKeys } from '@gantry/shared/server-keys.ts'
import { Hash } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import { type Clock, unixSeconds } from './clock.ts'
import type { Log } from './log.ts'
import type { StateFile } from './state-file.ts'

/**
 * Where the main server cannot be reached, an access server may say whether it has something for this device: a bulletin that the main server signed, the same for all devices, and readable for each
 * alone by its own key. It opens nothing. All that it can do is to make this device poll again, once, under every name that the main server has; and the panel says so.
 */
export type BulletinWord = 'nothing-new' | 'called'
export type BulletinReader = {
  /** The key that the main server tells in its polls; kept, since it is needed when there are none. */
  remember(key: Hash | undefined): void
  /** The first fresh word that an access server has. Null where none has one, or no key was ever told. Each bulletin calls once. */
  look(signal: AbortSignal): Promise<BulletinWord | null>
}

export const BulletinKey = z.strictObject({ key: Hash.nullable() })
export type BulletinKey = z.infer<typeof BulletinKey>
export const noBulletinKey = (): BulletinKey => ({ key: null })

export type BulletinReaderWith = {
  file: StateFile<BulletinKey>
  /** Of the allow-list. */
  accessServers: () => readonly { host: string; port: number }[]
  dial: Dial
  ticketKeys: TicketKeys
  clock: Clock
  log: Log
}

const timeoutMs = 8_000

export function createBulletinReader({ file, accessServers, dial, ticketKeys, clock, log }: BulletinReaderWith): BulletinReader {
  let calledAt = 0

  const ask = async ({ host, port }: { host: string; port: number }, key: Hash, signal: AbortSignal): Promise<BulletinWord> => {
    const origin = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`).origin
    const { bulletin } = await getJson({ origin, dial }, BulletinAnswer, { path: bulletinPath, signal, timeoutMs })
    const now = unixSeconds(clock)
    const { calls, issuedAt } = await readCalls(bulletin, { ticketKeys: ticketKeys(now), key, now })
    // An access server that plays one again does not make this device poll again.
    if (!calls || issuedAt <= calledAt) return 'nothing-new'
    calledAt = issuedAt
    return 'called'
  }
  return {
    remember(key) {
      if (key === undefined || key === file.value.key) return
      try {
        file.save({ key })
      } catch (error) {
        // A full disk is no reason to poll no more.
        log.warn({ reason: String(error) }, 'bulletin key not kept')
      }
    },
    async look(signal) {
      const { key } = file.value
      if (key === null) return null
      for (const server of accessServers()) {
        try {
          return await ask(server, key, signal)
        } catch (error) {
          signal.throwIfAborted()
          log.warn({ host: server.host, reason: error instanceof AppError ? error.code : String(error) }, 'no bulletin')
        }
      }
      return null
    },
  }
}

export type PollRound = {
  /** One poll, at the name whose turn it is; a failure moves on to the next name. */
  poll: () => Promise<number>
  /** How many names the main server has. */
  names: number
  /** Null where the owner did not allow it. */
  look: () => Promise<BulletinWord | null>
  /** What an access server said, or null while the main server answers itself. */
  onWord: (word: BulletinWord | null) => void
}

/** A poll; and where the main server is out of reach and an access server says that it calls, one more at each of its names. Throws what the first poll threw. */
export async function pollRound({ poll, names, look, onWord }: PollRound): Promise<number> {
  try {
    const fresh = await poll()
    onWord(null)
    return fresh
  } catch (error) {
    if (!isOutOfReach(error)) {
      onWord(null)
      throw error
    }
    const word = await look()
    onWord(word)
    if (word !== 'called') throw error
    for (let tries = 0; tries < names; tries++) {
      const fresh = await poll().catch((again: unknown) => {
        if (!isOutOfReach(again)) throw again
      })
      if (fresh === undefined) continue
      onWord(null)
      return fresh
    }
    throw error
  }
}

const outOfReach: readonly ErrorCode[] = ['server.unreachable', 'server.identity-wrong', 'server.certificate-revoked', 'server.proxy-refused']

function isOutOfReach(error: unknown): boolean {
  return error instanceof AppError && outOfReach.includes(error.code)
}
