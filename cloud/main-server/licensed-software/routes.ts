import type { TLSSocket } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { Feature } from '@gantry/shared/licences.ts'
import { licensedPath } from '@gantry/shared/licensed-software.ts'
import { PublishedName } from '@gantry/shared/published-file.ts'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { SendPublished } from '../published-files.ts'
import type { AgentRoutes } from '../routes.ts'

export type LicensedSoftwareWith = Pick<AgentRoutes, 'authenticate'> & {
  sendPublished: SendPublished
  /** Whether that device may have that feature's software now. */
  mayHave: (deviceId: DeviceId, feature: Feature) => Promise<boolean>
}
export type LicensedSoftware = {
  /** Cuts whoever still reads and may not any more: a subscription may end, or a device be shut out, in the middle of a file. */
  look(): Promise<void>
}

/** One device shall not take the place of all others. Its own agent reads one at a time, and may begin anew before a broken one is over here. */
const maxOfDevice = 4

type Reader = { deviceId: DeviceId; feature: Feature; socket: TLSSocket }
const Asked = z.object({ feature: Feature, name: PublishedName })

/**
 * R011: the software of a licensed feature, for a device with a subscription in force and nobody else. It is asked before the folder is looked at, so that what a device has no subscription to is
 * the same as what is not there. Errors: `device.unknown`, `contract.unknown-name`, `server.unreachable {reason}`.
 */
export function addLicensedSoftwareRoute(app: FastifyInstance, { authenticate, sendPublished, mayHave }: LicensedSoftwareWith): LicensedSoftware {
  const open = new Map<FastifyReply, Reader>()
  app.get(licensedPath(':feature', ':name'), async (request, reply) => {
    const socket = request.raw.socket as TLSSocket
    const { deviceId } = await authenticate(socket)
    const { data: asked } = Asked.safeParse(request.params)
    if (!asked || !(await mayHave(deviceId, asked.feature))) throw new AppError('contract.unknown-name')
    const own = [...open.values()].filter((one) => one.deviceId === deviceId)
    if (own.length >= maxOfDevice || reply.raw.closed) throw new AppError('server.unreachable', { details: { reason: 'busy' } })
    open.set(reply, { deviceId, feature: asked.feature, socket })
    reply.raw.once('close', () => open.delete(reply))
    return sendPublished(request, reply, `/${asked.feature}/${asked.name}`)
  })
  const isStillTheirs = async ({ deviceId, feature, socket }: Reader) => {
    await authenticate(socket)
    return mayHave(deviceId, feature)
  }
  return {
    async look() {
      for (const [reply, reader] of open) if (!(await isStillTheirs(reader).catch(() => false))) reply.raw.destroy()
    },
  }
}
