import send from '@fastify/send'
import { AppError } from '@gantry/shared/errors.ts'
import { PublishedName, updatesPath } from '@gantry/shared/update-manifest.ts'
import type { FastifyInstance } from 'fastify'

/** A reader that takes nothing for so long is cut; it goes on later where it was. */
const idleMs = 60_000
const maxDownloads = 64

/**
 * What the release officer signed, and the files that it names, as they lie in the operator's folder: read at each request, so that a new manifest counts at once. Nobody has to be signed in for it, and
 * there is nothing to be believed here: a client checks all of it under a key that this server has not got. Errors: `contract.unknown-name`; `server.unreachable {reason}` while too many are read at once.
 */
export function addDesktopUpdateRoute(app: FastifyInstance, folder: string): void {
  let open = 0
  app.get(`${updatesPath}:name`, async (request, reply) => {
    const { name } = request.params as { name: string }
    if (!PublishedName.safeParse(name).success) throw new AppError('contract.unknown-name')
    if (open >= maxDownloads) throw new AppError('server.unreachable', { details: { reason: 'busy' } })
    const found = await send(request.raw, `/${name}`, { root: folder, cacheControl: false, contentType: false, index: false })
    if (found.type !== 'file' && found.statusCode !== 416) throw new AppError('contract.unknown-name')
    open++
    reply.raw.once('close', () => {
      open--
    })
    reply.raw.setTimeout(idleMs, () => reply.raw.destroy())
    return reply
      .code(found.statusCode)
      .headers({ ...found.headers, 'content-type': 'application/octet-stream' })
      .send(found.stream)
  })
}
