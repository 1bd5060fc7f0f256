import { clockOffSeconds } from '@gantry/shared/access-request.ts'
import type { AgentApi } from '@gantry/shared/agent-api.ts'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import type { Handlers } from '@gantry/shared/contract.ts'
import type { DeviceId } from '@gantry/shared/ids.ts'
import { type SigningKey, sha256 } from '@gantry/shared/node/signing.ts'
import type { CompactJws, Hash } from '@gantry/shared/ticket.ts'
import type { DeviceCaller } from '../caller.ts'
import { isSilent } from '../contact.ts'
import type { Database } from '../database.ts'
import { newerLicences } from './licences.ts'
import { notePlace } from './places.ts'
import { type Contact, contactColumns, dropDelivery, handledDelivery, markHandled, openDeliveries, queueDelivery, recordContact } from './store.ts'
import type { Waiters } from './waiters.ts'

export type PollTools = {
  db: Database
  waiters: Waiters
  /** The newest roster of the authority, or null before there is one. */
  roster: () => { number: number; jws: CompactJws } | null
  /** The newest list of the servers' keys, or null before there is one. */
  serverKeys: () => { number: number; jws: CompactJws } | null
  /** What the authority says of its own key, and a device with this newest one has not followed. */
  authorityKeys: (known: { key: Hash; number: number }) => readonly CompactJws[]
  /** Told when a device came back or says something new of itself. */
  deviceChanged: (deviceId: DeviceId) => void
  /** What lets a request go on may have changed. */
  standingChanged: () => Promise<void>
  append: (event: NewAuditEvent) => void
  /** By which it finds its mark in a bulletin. */
  bulletinKey: (device: { id: DeviceId; thumbprint: Hash }) => Hash
  /** Signs licences. */
  ticketKey: () => SigningKey
  now: () => number
}

/** A device that refused a roster, or lost it, gets it again after this long. */
const rosterAgainMs = 600_000

export function createPollHandlers(tools: PollTools): Pick<Handlers<AgentApi, DeviceCaller>, 'device.poll'> {
  const { db, waiters, now } = tools
  const twoPlaces = async ({ deviceId, thumbprint }: DeviceCaller) => {
    tools.append({ kind: 'device.two-places', actor: { kind: 'unknown' }, deviceId, data: { certificate: thumbprint } })
    tools.deviceChanged(deviceId)
    await tools.standingChanged()
  }
  return {
    async 'device.poll'({ holdMs, handled, wantsBulletin, serverKeysNumber, licencesNumber, licensed = [], authority, clockMs, run, ...said }, caller) {
      await markHandled(db, caller.deviceId, handled, now())
      const contact = { ...said, licensed, clockOffSeconds: offInMinutes(clockMs, now()) }
      if (await notePlace(db, { deviceId: caller.deviceId, run }, now())) await twoPlaces(caller)
      await noteContact(tools, caller.deviceId, contact)
      await offerRoster(tools, caller.deviceId, contact.rosterNumber)
      // Listening begins before the first look, or what is queued in between would wait for the next poll.
      const enough = new AbortController()
      const woken = waiters.wait(caller.deviceId, holdMs, AbortSignal.any([caller.signal, enough.signal]))
      try {
        const look = async () => ({
          deliveries: await openDeliveries(db, caller.deviceId),
          news: {
            ...newerKeys(tools, serverKeysNumber),
            ...newerAuthority(tools, authority),
            ...(await newerLicences(tools, caller.deviceId, licencesNumber)),
          },
        })
        let found = await look()
        if (found.deliveries.length === 0 && holdMs > 0 && Object.keys(found.news).length === 0) {
          await woken
          found = await look()
        }
        const key = wantsBulletin ? { bulletinKey: tools.bulletinKey({ id: caller.deviceId, thumbprint: caller.thumbprint }) } : {}
        return { deliveries: found.deliveries, serverTimeMs: now(), ...key, ...found.news }
      } finally {
        enough.abort()
      }
    },
  }
}

/** Beside the deliveries and not one of them: a ticket under a key that this list brings must not come before it. */
function newerKeys({ serverKeys }: PollTools, known: number | undefined): { serverKeys: CompactJws } | null {
  const newest = serverKeys()
  return newest && known !== undefined && known < newest.number ? { serverKeys: newest.jws } : null
}

function newerAuthority({ authorityKeys }: PollTools, known: { key: Hash; number: number } | undefined): { authorityKeys: CompactJws[] } | null {
  const statements = known ? authorityKeys(known) : []
  return statements.length > 0 ? { authorityKeys: [...statements] } : null
}

/** To the minute, so that one that stays wrong is no news at each poll; what signed times may differ by is none at all. */
function offInMinutes(clockMs: number, nowMs: number): number {
  return Math.round(clockOffSeconds(clockMs, nowMs) / 60) * 60
}

async function noteContact({ db, deviceChanged, now }: PollTools, deviceId: DeviceId, contact: Contact): Promise<void> {
  const before = await recordContact(db, deviceId, contact, now())
  if (isSilent(before.lastContactMs, now()) || before.told !== JSON.stringify(contactColumns(contact))) deviceChanged(deviceId)
}

async function offerRoster({ db, roster, now }: PollTools, deviceId: DeviceId, rosterNumber: number): Promise<void> {
  const newest = roster()
  if (!newest || rosterNumber >= newest.number) return
  const subject = `data-file:roster:${newest.number}`
  const handled = await handledDelivery(db, deviceId, subject)
  if (handled && now() - handled.createdMs > rosterAgainMs) await dropDelivery(db, deviceId, subject)
  const body = { kind: 'data-file', name: 'roster', version: newest.number, sha256: sha256(newest.jws), content: newest.jws } as const
  await queueDelivery(db, { deviceId, subject, body }, now())
}
