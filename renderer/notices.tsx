import type { RequestId } from '@gantry/shared/ids.ts'
import { Undo2, X } from 'lucide-react'
import { useCallback, useEffect, useRef, useState } from 'react'
import { call } from './api.ts'
import { isAsking } from './request/request-store.ts'
import { UpdateNotice } from './settings/update-notice.tsx'
import { useWindowState } from './state.ts'
import { Button, IconButton } from './ui/button.tsx'
import { useSpeech } from './ui/language.tsx'
import { useStore } from './ui/store.ts'

type What = 'answered' | 'turnedDown' | 'ended'
type Notice = { requestId: RequestId; device: string; what: What }
export type NoticesState = { list: readonly Notice[]; forget(notice: Notice): void }

/**
 * Tells of what happened elsewhere: the answer to a request that was put aside, the end of a session that is not in view. The answer to the request
 * in view opens its session by itself.
 */
export function useNotices(): NoticesState {
  const state = useWindowState()
  const requests = useStore(state.requests.store)
  const sessions = useStore(state.sessions.store)
  const [list, setList] = useState<readonly Notice[]>([])
  const known = useRef(new Map<RequestId, string>())
  const add = useCallback((notice: Notice) => {
    setList((now) => [...now.filter(({ requestId }) => requestId !== notice.requestId), notice].slice(-4))
    tellBehind(notice)
  }, [])

  useEffect(() => {
    for (const request of requests) {
      const now = request.state === 'open' ? 'open' : isAsking(request) ? 'asking' : 'over'
      const before = known.current.get(request.requestId)
      known.current.set(request.requestId, now)
      if (before !== 'asking' || now === 'asking') continue
      const { dialog } = state.place.store.get()
      const isFollowed = dialog?.kind === 'follow' && dialog.requestId === request.requestId
      if (isFollowed && request.state !== 'cancelled')
        tellBehind({ requestId: request.requestId, device: request.device.name, what: now === 'open' ? 'answered' : 'turnedDown' })
      if (isFollowed && now === 'open') state.place.openTab(request.requestId)
      else if (!isFollowed && request.state !== 'cancelled')
        add({ requestId: request.requestId, device: request.device.name, what: now === 'open' ? 'answered' : 'turnedDown' })
    }
  }, [requests, state.place, add])

  const sessionStates = useRef(new Map<RequestId, string>())
  useEffect(() => {
    for (const session of sessions) {
      const before = sessionStates.current.get(session.requestId)
      sessionStates.current.set(session.requestId, session.state)
      const { screen, tab } = state.place.store.get()
      const isInView = screen === 'sessions' && (tab === session.requestId || sessions.length === 1)
      if (before === 'open' && session.state === 'ended' && !isInView) add({ requestId: session.requestId, device: session.device.name, what: 'ended' })
    }
  }, [sessions, state.place, add])

  return { list, forget: (notice) => setList((now) => now.filter((one) => one !== notice)) }
}

export function Notices({ notices }: { notices: NoticesState }) {
  const { words } = useSpeech()
  const { place } = useWindowState()
  // The settings say of an update what there is to say.
  const { screen } = useStore(place.store)
  const show = (notice: Notice) => {
    notices.forget(notice)
    if (notice.what === 'turnedDown') place.openDialog({ kind: 'follow', requestId: notice.requestId })
    else place.openTab(notice.requestId)
  }
  return (
    <div className="notices" role="status">
      {screen !== 'settings' && <UpdateNotice />}
      <ClosedTab />
      {notices.list.map((notice) => (
        <div key={notice.requestId} className="notice">
          <span className={`dot ${notice.what === 'answered' ? 'live' : 'ended'}`} aria-hidden />
          <span className="grow">{words.shell[notice.what](notice.device)}</span>
          <Button onClick={() => show(notice)}>{words.shell.show}</Button>
          <IconButton icon={X} small label={words.ui.dismiss} onClick={() => notices.forget(notice)} />
        </div>
      ))}
    </div>
  )
}

/** While the window is behind the system tells it, where its host can; in sight nothing pops up over other work. */
function tellBehind({ requestId, what }: Notice): void {
  if (!document.hasFocus()) void call('app.notify', { requestId, what }).catch(() => undefined)
}

/** A tab that was just closed, with its way back. */
function ClosedTab() {
  const { words } = useSpeech()
  const { sessions, place } = useWindowState()
  const closed = useStore(sessions.forgotten).at(-1)
  const [dismissed, setDismissed] = useState<RequestId | null>(null)
  if (!closed || closed.requestId === dismissed) return null
  const undo = () => {
    const session = sessions.restore()
    if (session) place.openTab(session.requestId)
  }
  return (
    <div className="notice">
      <span className="grow">{words.shell.tabClosed(closed.device.name)}</span>
      <Button icon={Undo2} keys="Ctrl Shift T" onClick={undo}>
        {words.shell.undo}
      </Button>
      <IconButton icon={X} small label={words.ui.dismiss} onClick={() => setDismissed(closed.requestId)} />
    </div>
  )
}
