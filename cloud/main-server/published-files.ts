import send from '@fastify/send'
import { AppError } from '@gantry/shared/errors.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A reader that takes nothing for so long is cut; it goes on later where it was. */
const idleMs = 60_000
const maxDownloads = 64

/** Answers with what lies at that path of the folder. Errors: `contract.unknown-name`; `server.unreachable {reason}` while too many are read at once. */
export type SendPublished = (request: FastifyRequest, reply: FastifyReply, path: string) => Promise<FastifyReply>

/** What the release officer signed, and the files that it names, as they lie in the operator's folder: read at each request, so that a new manifest counts at once. */
export function createPublishedFiles(folder: string): SendPublished {
  let open = 0
  return async (request, reply, path) => {
    if (open >= maxDownloads) throw new AppError('server.unreachable', { details: { reason: 'busy' } })
    open++
    reply.raw.once('close', () => {
      open--
    })
    const found = await send(request.raw, path, { root: folder, cacheControl: false, contentType: false, index: false })
    if (found.type !== 'file' && found.statusCode !== 416) throw new AppError('contract.unknown-name')
    reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
    return reply
      .code(found.statusCode)
      .headers({ ...found.headers, 'content-type': 'application/octet-stream' })
      .send(found.stream)
  }
}
