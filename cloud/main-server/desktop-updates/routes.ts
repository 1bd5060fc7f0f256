import { AppError } from '@gantry/shared/errors.ts'
import { PublishedName } from '@gantry/shared/published-file.ts'
import { updatesPath } from '@gantry/shared/update-manifest.ts'
import type { FastifyInstance } from 'fastify'
import type { SendPublished } from '../published-files.ts'

/** What was signed for the desktop client. Nobody has to be signed in for it, and there is nothing to be believed here: a client checks all of it under a key that this server has not got. */
export function addDesktopUpdateRoute(app: FastifyInstance, sendPublished: SendPublished): void {
  app.get(`${updatesPath}:name`, async (request, reply) => {
    const { name } = request.params as { name: string }
    if (!PublishedName.safeParse(name).success) throw new AppError('contract.unknown-name')
    return sendPublished(request, reply, `/${name}`)
  })
}
