import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'
import type { Opening } from '@gantry/shared/leg.ts'
import type { Side } from '@gantry/shared/ticket.ts'

/**
 * Who waits for whom. A leg is named by ticket and leg name; its two sides meet here. Pure bookkeeping: no socket, no clock but the timer.
 * A seat is one side's admitted connection. `close` ends it, with the failure to tell where nothing has been told yet.
 */
export type Seat = {
  ticketId: string
  side: Side
  leg: string
  epoch: number
  link: Opening['link']
  close(code: ErrorCode): void
}
export type Met<S extends Seat> = { client: S; agent: S /** Frees both places, once the pair is over. */; leave(): void }

export type Pairing<S extends Seat> = {
  /**
   * Takes a place. `onMet` is called for the pair, once, when the second side comes; a seat that waits too long is closed with `leg.peer-missing`, one that a
   * higher epoch replaces with `leg.replaced`. Returns the function that gives the place back while it waits.
   * Throws `leg.draining`, `leg.busy`, and `leg.refused` for an epoch that is not higher or a link that is not the other side's.
   */
  take(seat: S): () => void
  /**
   * No new seats; those that wait are closed with `leg.draining`, and the joined ones too, ticket by ticket, evenly over `overMs` and the last before its end. Resolves when the last pair
   * is over, however it ended.
   */
  drain(overMs: number): Promise<void>
  /** Closes every seat. */
  closeAll(code: ErrorCode): void
  /** `seats` are both: places that are taken. */
  counts(): { waiting: number; pairs: number; seats: number }
}

type Options<S extends Seat> = { pairTimeoutMs: number; maxLegs: number; maxLegsPerTicket: number; onMet(met: Met<S>): void }
type Place<S extends Seat> = { seat: S; timer: NodeJS.Timeout | undefined }
type Table<S extends Seat> = { places: Map<Side, Place<S>>; met: boolean }

export function createPairing<S extends Seat>({ pairTimeoutMs, maxLegs, maxLegsPerTicket, onMet }: Options<S>): Pairing<S> {
  const tables = new Map<string, Table<S>>()
  const legsOf = new Map<string, number>()
  let draining = false
  let seats = 0
  let tellDrained = () => {}

  const count = (ticketId: string, by: 1 | -1) => {
    seats += by
    const left = (legsOf.get(ticketId) ?? 0) + by
    if (left > 0) legsOf.set(ticketId, left)
    else legsOf.delete(ticketId)
  }
  const remove = (key: string, place: Place<S>) => {
    const table = tables.get(key)
    const { side, ticketId } = place.seat
    if (table?.places.get(side) !== place) return
    clearTimeout(place.timer)
    table.places.delete(side)
    count(ticketId, -1)
    if (table.places.size === 0) tables.delete(key)
    if (draining && tables.size === 0) tellDrained()
  }
  const dismiss = (key: string, table: Table<S>, code: ErrorCode) => {
    for (const place of [...table.places.values()]) {
      remove(key, place)
      place.seat.close(code)
    }
  }
  const requireRoom = ({ ticketId }: S) => {
    if (draining) throw new AppError('leg.draining')
    if (seats >= maxLegs || (legsOf.get(ticketId) ?? 0) >= maxLegsPerTicket) throw new AppError('leg.busy')
  }
  /** A pair that loses one side has lost bytes for the other, so both go; a side that waits alone goes alone. */
  const makeWay = (key: string, { side, epoch }: S) => {
    const table = tables.get(key)
    const older = table?.places.get(side)
    if (!table || !older) return
    if (epoch <= older.seat.epoch) throw new AppError('leg.refused', { details: { what: 'epoch', epoch: older.seat.epoch } })
    dismiss(key, table.met ? table : { ...table, places: new Map([[side, older]]) }, 'leg.replaced')
  }

  return {
    take(seat) {
      const key = `${seat.ticketId} ${seat.leg}`
      makeWay(key, seat)
      requireRoom(seat)
      const table = tables.get(key) ?? { places: new Map(), met: false }
      const [other] = table.places.values()
      if (other && other.seat.link !== seat.link) throw new AppError('leg.refused', { details: { what: 'link' } })
      const place: Place<S> = { seat, timer: undefined }
      table.places.set(seat.side, place)
      tables.set(key, table)
      count(seat.ticketId, 1)
      if (other) {
        table.met = true
        clearTimeout(other.timer)
        const leave = () => {
          remove(key, place)
          remove(key, other)
        }
        onMet(seat.side === 'client' ? { client: seat, agent: other.seat, leave } : { client: other.seat, agent: seat, leave })
      } else {
        place.timer = setTimeout(() => {
          remove(key, place)
          seat.close('leg.peer-missing')
        }, pairTimeoutMs)
      }
      return () => {
        if (!table.met) remove(key, place)
      }
    },
    drain(overMs) {
      draining = true
      for (const [key, table] of [...tables]) if (!table.met) dismiss(key, table, 'leg.draining')
      if (tables.size === 0) return Promise.resolve()
      // A session moves as a whole: all its legs at once.
      const sessions = [...Map.groupBy(tables, ([, table]) => ticketOf(table)).values()]
      const timers = sessions.map((legs, place) =>
        setTimeout(
          () => {
            for (const [key, table] of legs) dismiss(key, table, 'leg.draining')
          },
          (overMs * (place + 1)) / (sessions.length + 1),
        ),
      )
      const { promise, resolve } = Promise.withResolvers<void>()
      tellDrained = resolve
      return promise.finally(() => {
        for (const timer of timers) clearTimeout(timer)
      })
    },
    closeAll(code) {
      for (const [key, table] of [...tables]) dismiss(key, table, code)
    },
    counts() {
      const pairs = [...tables.values()].filter((table) => table.met).length
      return { waiting: tables.size - pairs, pairs, seats }
    },
  }
}

function ticketOf<S extends Seat>({ places }: Table<S>): string {
  const [place] = places.values()
  return place?.seat.ticketId ?? ''
}
