import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { AppError } from '@gantry/shared/errors.ts'
import { evaluatePac, ownAddress, type PacWorld } from './evaluate.ts'

/** Asks the PAC file at an address (http, https, file) for the way to a server. Errors: `proxy.setting-bad {setting: its host, reason: 'pac'}`. */
export type FindProxy = (pacUrl: string, target: { host: string; port: number }) => Promise<string>

const maxBytes = 1_048_576
const keptMs = 600_000

const world: PacWorld = {
  lookup: async (name) => {
    const found = await lookup(name, { family: 4 }).catch(() => null)
    return found?.address ?? null
  },
  now: () => new Date(),
  address: ownAddress,
}

export function createFindProxy(now: () => number = Date.now): FindProxy {
  let kept: { url: string; text: Promise<string>; untilMs: number } | null = null
  return async (pacUrl, { host, port }) => {
    try {
      if (kept?.url !== pacUrl || kept.untilMs <= now()) kept = { url: pacUrl, text: fetchText(pacUrl), untilMs: now() + keptMs }
      const source = await kept.text
      const name = host.includes(':') ? `[${host}]` : host
      // Host and port, never a path: a PAC file is not told what anybody does there.
      return await evaluatePac(source, { url: `https://${name}${port === 443 ? '' : `:${port}`}/`, host }, world)
    } catch (cause) {
      kept = null
      throw new AppError('proxy.setting-bad', { cause, details: { setting: URL.canParse(pacUrl) ? new URL(pacUrl).host || 'PAC' : 'PAC', reason: 'pac' } })
    }
  }
}

async function fetchText(address: string): Promise<string> {
  const url = new URL(address)
  if (url.protocol === 'file:') return (await readFile(url)).subarray(0, maxBytes).toString('utf8')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not an address of a file')
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000), credentials: 'omit' })
  if (!answer.ok || !answer.body) throw new Error(`HTTP ${answer.status}`)
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of answer.body) {
    length += piece.length
    if (length > maxBytes) throw new Error('too large')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}
