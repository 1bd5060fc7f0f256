import type { IncomingMessage } from 'node:http'
import { AppError } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { createHttpsFetch, requestOver } from '@gantry/shared/node/https-fetch.ts'
import { verifyJws } from '@gantry/shared/node/signing.ts'
import { CompactJws, type PublicJwk } from '@gantry/shared/ticket.ts'
import { manifestName, type UpdateFile, UpdateManifest, type UpdateTarget, updatesPath } from '@gantry/shared/update-manifest.ts'

/** The main server's folder of updates, over the one dialler. It is not believed in anything. */
export type Feed = {
  /** The manifest for that target, whose signature holds. Errors: `update.none`, `update.manifest-bad`, `server.*`. */
  manifest(target: UpdateTarget, signal: AbortSignal): Promise<UpdateManifest>
  /** The file's octets from there on. Errors: `update.file-bad {name}` where they would not be those of this file; `server.*`. */
  open(file: UpdateFile, from: number, signal: AbortSignal): Promise<IncomingMessage>
}

const manifestMs = 20_000
/** Without an octet. */
const idleMs = 30_000

export function createFeed({ origin, dial, key }: { origin: string; dial: Dial; key: PublicJwk }): Feed {
  const fetch = createHttpsFetch({ origins: [origin], dial })
  const { hostname, port } = new URL(origin)
  return {
    async manifest(target, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(manifestMs)])
      const answer = await fetch(`${origin}${updatesPath}${manifestName(target)}`, { method: 'GET', headers: {}, signal: limit })
      if (answer.status === 404) throw new AppError('update.none')
      if (answer.status !== 200) throw new AppError('server.answer-bad', { details: { status: answer.status } })
      const text = CompactJws.safeParse((await answer.text()).trim())
      if (!text.success) throw new AppError('update.manifest-bad', { cause: text.error })
      return verifyJws(text.data, { type: 'update', schema: UpdateManifest, key, failure: 'update.manifest-bad' })
    },
    async open({ name, bytes }, from, signal) {
      const socket = await dial({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), signal })
      socket.setTimeout(idleMs, () => socket.destroy(new Error('nothing came')))
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {}
      const answer = await requestOver(socket, new URL(`${updatesPath}${name}`, origin), { method: 'GET', headers, signal })
      const fault = faultOf(answer, from, bytes)
      if (!fault) return answer
      socket.destroy()
      throw fault === 'length'
        ? new AppError('update.file-bad', { details: { name } })
        : new AppError('server.answer-bad', { details: { status: answer.statusCode ?? 0 } })
    },
  }
}

/** Its length is known beforehand, so that not one octet more than that is ever taken. */
function faultOf({ statusCode, headers }: IncomingMessage, from: number, bytes: number): 'length' | 'status' | null {
  if (statusCode !== (from > 0 ? 206 : 200)) return 'status'
  if (headers['content-length'] !== String(bytes - from)) return 'length'
  return from > 0 && headers['content-range'] !== `bytes ${from}-${bytes - 1}/${bytes}` ? 'length' : null
}
