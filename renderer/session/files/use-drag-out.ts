import type { Failure } from '@gantry/shared/errors.ts'
import type { Transfer } from '@gantry/shared/ipc.ts'
import { type DragEvent, useEffect, useRef, useState } from 'react'
import { call, failureOf } from '../../api.ts'
import { useWindowState } from '../../state.ts'
import type { Store } from '../../ui/store.ts'
import { type HeldButton, watchButton } from './held-button.ts'
import { isOver } from './transfer-store.ts'

/** What is dragged out of the device's list: `fetching` while the button is held and it is on its way, `left` once it has become an ordinary download. */
export type DragNote = { state: 'fetching' | 'left'; names: readonly string[]; folder: string }
export type DragOut = {
  note: DragNote | null
  /** Files of the device: `fetch` begins an ordinary transfer for each, and the drag begins when all are here, if the button is still held then. */
  fetched(names: readonly string[], folder: string, fetch: () => Promise<readonly string[]>): void
  /** At `dragstart` of a finished download. */
  received(event: DragEvent, transferId: string): void
  /** What comes over the window now went out of it: it is not sent back to the device. */
  isOwn(): boolean
}

const noteMs = 15_000

/** Drags to the desktop, a folder or another program; null where the host cannot, and then nothing looks as if it could. */
export function useDragOut(onFailure: (failure: Failure) => void): DragOut | null {
  const { about, transfers } = useWindowState()
  const [note, setNote] = useState<DragNote | null>(null)
  const button = useRef<HeldButton | null>(null)
  const own = useRef(false)
  useEffect(() => {
    // While the system drags, the page sees no pointer.
    const over = () => {
      own.current = false
    }
    for (const name of ['pointermove', 'pointerdown']) window.addEventListener(name, over)
    return () => {
      for (const name of ['pointermove', 'pointerdown']) window.removeEventListener(name, over)
      button.current?.stop()
    }
  }, [])
  useEffect(() => {
    if (note?.state !== 'left') return
    const timer = setTimeout(() => setNote(null), noteMs)
    return () => clearTimeout(timer)
  }, [note])
  if (about.host !== 'electron') return null

  const drag = async (transferIds: readonly string[]) => {
    const { started } = await call('transfer.drag', { transferIds: [...transferIds] })
    if (started) own.current = true
    return started
  }
  const fetched = async (names: readonly string[], folder: string, fetch: () => Promise<readonly string[]>) => {
    const left = () => setNote({ state: 'left', names, folder })
    button.current?.stop()
    const held = watchButton(left)
    button.current = held
    setNote({ state: 'fetching', names, folder })
    try {
      const ids = await fetch()
      const all = await whenOver(transfers.store, ids)
      const isHere = all.length === ids.length && all.every(({ state, verified }) => state === 'done' && verified)
      if (!held.isHeld()) return
      held.stop()
      // What failed stands in the list of transfers, with its reason.
      if (!isHere || (await drag(ids))) setNote(null)
      else left()
    } catch (error) {
      held.stop()
      setNote(null)
      onFailure(failureOf(error))
    }
  }
  return {
    note,
    fetched: (names, folder, fetch) => void fetched(names, folder, fetch),
    received(event, transferId) {
      event.preventDefault()
      void drag([transferId]).catch((error) => onFailure(failureOf(error)))
    },
    isOwn: () => own.current,
  }
}

/** Those of them that are still listed, once none of them is on its way. */
function whenOver(store: Store<readonly Transfer[]>, ids: readonly string[]): Promise<Transfer[]> {
  const { promise, resolve } = Promise.withResolvers<Transfer[]>()
  const seen = new Set<string>()
  const look = () => {
    const mine = store.get().filter(({ id }) => ids.includes(id))
    for (const { id } of mine) seen.add(id)
    // The news of a transfer may come after the answer that names it.
    if (seen.size < ids.length || !mine.every(isOver)) return
    stop()
    resolve(mine)
  }
  const stop = store.subscribe(look)
  look()
  return promise
}
