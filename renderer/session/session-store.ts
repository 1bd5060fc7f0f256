import type { AuditEvent } from '@gantry/shared/audit.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import type { Call, On } from '../api.ts'
import { createStore, placed, type Store } from '../ui/store.ts'

export type Activity = { events: readonly AuditEvent[]; verified: boolean }
export type SessionsState = {
  store: Store<readonly SessionView[]>
  activity: Store<ReadonlyMap<RequestId, Activity>>
  readActivity(requestId: RequestId): void
  /** Closes the tab of a session that has ended. */
  forget(requestId: RequestId): void
  /** Tabs that were closed, the newest last: one closed by mistake comes back with all that was in it. */
  forgotten: Store<readonly SessionView[]>
  /** Opens the newest of them again. */
  restore(): SessionView | null
}

/** A session can hold thousands of events; the window shows the newest. The store on disk has them all. */
const maxEvents = 2_000

export function openSessions(call: Call, on: On): SessionsState {
  const store = createStore<readonly SessionView[]>([])
  const activity = createStore<ReadonlyMap<RequestId, Activity>>(new Map())
  const forgotten = createStore<readonly SessionView[]>([])
  const isForgotten = (requestId: RequestId) => forgotten.get().some((one) => one.requestId === requestId)
  const place = (session: SessionView) => {
    if (!isForgotten(session.requestId)) store.change((list) => placed(list, session, ({ requestId }) => requestId === session.requestId))
  }
  const add = (requestId: RequestId, events: readonly AuditEvent[], verified: boolean) =>
    activity.change((all) => {
      const known = all.get(requestId)?.events ?? []
      return new Map(all).set(requestId, { events: merged(known, events), verified })
    })

  on('session.changed', place)
  on('session.activity', ({ requestId, event, verified }) => add(requestId, [event], verified))
  void call('session.list', {}).then(
    ({ sessions }) => sessions.forEach(place),
    () => undefined,
  )
  return {
    store,
    activity,
    forgotten,
    restore() {
      const session = forgotten.get().at(-1) ?? null
      if (!session) return null
      forgotten.change((list) => list.slice(0, -1))
      place(session)
      return session
    },
    readActivity: (requestId) =>
      void call('session.activity', { requestId }).then(
        ({ events, verified }) => add(requestId, events, verified),
        () => undefined,
      ),
    forget(requestId) {
      const session = store.get().find((one) => one.requestId === requestId)
      if (session) forgotten.change((list) => [...list, session])
      store.change((list) => list.filter((one) => one.requestId !== requestId))
    },
  }
}

/** Oldest first, each event once: a list that was asked for and events that were told meanwhile may overlap. */
export function merged(known: readonly AuditEvent[], more: readonly AuditEvent[]): AuditEvent[] {
  const ids = new Set(known.map(({ id }) => id))
  const fresh = more.filter(({ id }) => !ids.has(id))
  if (fresh.length === 0) return [...known]
  return [...known, ...fresh].sort((a, b) => a.at.localeCompare(b.at)).slice(-maxEvents)
}
