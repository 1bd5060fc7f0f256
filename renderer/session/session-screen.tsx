import type { SessionView } from '@gantry/shared/ipc.ts'
import { isAsking } from '../request/request-store.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { ThreadGlyph } from '../ui/thread.tsx'
import { EndedScreen } from './ended-screen.tsx'
import { SessionHeader } from './session-header.tsx'
import { SessionPanes } from './session-panes.tsx'
import { SessionTabs } from './session-tabs.tsx'

/** All sessions stay drawn while they are open, whichever is shown: a terminal keeps its scrollback. */
export function SessionScreen({ isShown }: { isShown: boolean }) {
  const state = useWindowState()
  const { words } = useSpeech()
  const sessions = useStore(state.sessions.store)
  const asking = useStore(state.requests.store).filter(isAsking)
  const place = useStore(state.place.store)
  const chosen = sessions.find(({ requestId }) => requestId === place.tab) ?? sessions[0] ?? null
  const close = (session: SessionView) => {
    const at = sessions.indexOf(session)
    const next = sessions[at + 1] ?? sessions[at - 1]
    state.sessions.forget(session.requestId)
    if (next) state.place.openTab(next.requestId)
    else state.place.go('devices')
  }
  return (
    <main className="sessions" hidden={!isShown} aria-label={words.session.tabs}>
      <SessionTabs sessions={sessions} asking={asking} chosen={chosen?.requestId ?? null} onClose={close} />
      {sessions.map((session) => {
        const isChosen = session === chosen
        return (
          <div key={session.requestId} className="ws" hidden={!isChosen} data-session={session.requestId} role="tabpanel" aria-label={session.device.name}>
            {session.state === 'open' ? (
              <>
                <SessionHeader session={session} isShown={isShown && isChosen} hasKeys={isShown && isChosen && place.dialog === null} />
                <SessionPanes session={session} isShown={isShown && isChosen} hasKeys={isShown && isChosen && place.dialog === null} />
              </>
            ) : (
              <EndedScreen session={session} onClose={() => close(session)} />
            )}
          </div>
        )
      })}
      {sessions.length === 0 && (
        <div className="empty">
          <div>
            <ThreadGlyph thread={{ tone: 'off', nodes: ['dot', 'hollow', 'hollow', 'hollow'], hops: ['dim', 'dim', 'dim'], halo: 'none' }} />
            <h1>{words.session.none}</h1>
            <p className="t2">{words.session.noneText}</p>
            <p className="acts">
              <Button onClick={() => state.place.go('devices')}>{words.session.toDevices}</Button>
            </p>
          </div>
        </div>
      )}
    </main>
  )
}
