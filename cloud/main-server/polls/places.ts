import type { DeviceId } from '@gantry/shared/ids.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { Database } from '../database.ts'

/** A process that has ended has at most one poll left on its way; the second one shows that it lives. */
const straysOfTwo = 2
const keptMs = 30 * 86_400_000
/** No agent starts so often: its supervisor waits longer after each crash. Whoever draws a new run for each poll is none, and would fill the table. */
const startsAnHour = 500

/**
 * Whether a device's key is shown from two places (T16). An agent's process draws a `run` when it starts, and never takes up one from before: so a run that was followed by
 * another one, and calls in again, lives beside it. A copy of the device's disk draws its own, and the alarm comes with the second poll of whichever of the two it
 * interrupted, within two polls. Says so once, until the device is enrolled anew. A machine copied with its running memory shows the same run, and is not seen.
 */
export async function notePlace(db: Database, { deviceId, run }: { deviceId: DeviceId; run: Hash }, nowMs: number): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const device = await trx.selectFrom('devices').select(['run', 'two_places_ms']).where('id', '=', deviceId).executeTakeFirstOrThrow()
    if (device.run === run || device.two_places_ms !== null) return false
    const passed = await trx.selectFrom('device_runs').select('strays').where('device_id', '=', deviceId).where('run', '=', run).executeTakeFirst()
    if (!passed) {
      await trx
        .deleteFrom('device_runs')
        .where('device_id', '=', deviceId)
        .where('passed_ms', '<', nowMs - keptMs)
        .execute()
      const { starts } = await trx
        .selectFrom('device_runs')
        .select((from) => from.fn.countAll<number>().as('starts'))
        .where('device_id', '=', deviceId)
        .where('passed_ms', '>', nowMs - 3_600_000)
        .executeTakeFirstOrThrow()
      if (starts >= startsAnHour) {
        await trx.updateTable('devices').set({ two_places_ms: nowMs }).where('id', '=', deviceId).execute()
        return true
      }
      if (device.run) await trx.insertInto('device_runs').values({ device_id: deviceId, run: device.run, passed_ms: nowMs, strays: 0 }).execute()
      await trx.updateTable('devices').set({ run }).where('id', '=', deviceId).execute()
      return false
    }
    const strays = passed.strays + 1
    await trx.updateTable('device_runs').set({ strays }).where('device_id', '=', deviceId).where('run', '=', run).execute()
    if (strays < straysOfTwo) return false
    await trx.updateTable('devices').set({ two_places_ms: nowMs }).where('id', '=', deviceId).execute()
    return true
  })
}
