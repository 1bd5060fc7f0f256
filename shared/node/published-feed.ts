import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import type { PublishedFile } from '../published-file.ts'
import { CompactJws } from '../ticket.ts'
import type { Dial } from './dial.ts'
import { createHttpsFetch, requestOver } from './https-fetch.ts'
import { type Expected, verifyJws } from './signing.ts'

/** What the release officer published, as the main server at that address hands it out, over the one dialler. It is not believed in anything. */
export type PublishedFeed = {
  /** The manifest there, whose signature holds, and its text. Errors: `update.none`, what `expected` says, `server.*`. */
  manifest<T>(path: string, expected: Expected<T>, signal: AbortSignal): Promise<{ manifest: T; jws: CompactJws }>
  /** The file's octets from there on. Errors: `update.none`; `update.file-bad {name}` where they would not be those of this file; `server.*`. */
  open(path: string, file: PublishedFile & { from: number }, signal: AbortSignal): Promise<Readable>
}

const manifestMs = 20_000
/** Without an octet. */
const idleMs = 30_000

export function createPublishedFeed({ origin, dial }: { origin: string; dial: Dial }): PublishedFeed {
  const fetch = createHttpsFetch({ origins: [origin], dial })
  const { hostname, port } = new URL(origin)
  return {
    async manifest(path, expected, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(manifestMs)])
      const answer = await fetch(`${origin}${path}`, { method: 'GET', headers: {}, signal: limit })
      requireStatus(answer.status, 200)
      const text = CompactJws.safeParse((await answer.text()).trim())
      if (!text.success) throw new AppError(expected.failure, { cause: text.error })
      return { manifest: await verifyJws(text.data, expected), jws: text.data }
    },
    async open(path, { from, ...file }, signal) {
      const socket = await dial({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443), signal })
      socket.setTimeout(idleMs, () => socket.destroy(new Error('nothing came')))
      const headers: Record<string, string> = from > 0 ? { range: `bytes=${from}-` } : {}
      const answer = await requestOver(socket, new URL(path, origin), { method: 'GET', headers, signal })
      try {
        requireStatus(answer.statusCode ?? 0, from > 0 ? 206 : 200)
        requireRest(answer, from, file)
      } catch (error) {
        socket.destroy()
        throw error
      }
      return answer
    },
  }
}

function requireStatus(status: number, wanted: 200 | 206): void {
  if (status === 404) throw new AppError('update.none')
  if (status !== wanted) throw new AppError('server.answer-bad', { details: { status } })
}

/** Its length is known beforehand, so that not one octet more than that is ever taken. */
function requireRest({ headers }: IncomingMessage, from: number, { name, bytes }: PublishedFile): void {
  const isRest = headers['content-length'] === String(bytes - from) && (from === 0 || headers['content-range'] === `bytes ${from}-${bytes - 1}/${bytes}`)
  if (!isRest) throw new AppError('update.file-bad', { details: { name } })
}
