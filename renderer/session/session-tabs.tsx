import type { RequestId } from '@gantry/shared/ids.ts'
import type { RequestProgress, SessionView } from '@gantry/shared/ipc.ts'
import { UnstyledButton } from '@mantine/core'
import { Plus, X } from 'lucide-react'
import { useWindowState } from '../state.ts'
import { IconButton } from '../ui/button.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useNow } from '../ui/now.ts'

type TabsProps = { sessions: readonly SessionView[]; asking: readonly RequestProgress[]; chosen: RequestId | null; onClose: (session: SessionView) => void }

/** Several sessions side by side, and the requests that are on their way. */
export function SessionTabs({ sessions, asking, chosen, onClose }: TabsProps) {
  const { words, format } = useSpeech()
  const { place } = useWindowState()
  const nowMs = useNow()
  const text = words.session
  return (
    <div className="tabs">
      <div className="tablist" role="tablist" aria-label={text.tabs}>
        {sessions.map((session) => {
          const isOpen = session.state === 'open'
          return (
            <div key={session.requestId} className={`tab ${session.requestId === chosen ? 'on' : ''}`} role="presentation">
              <UnstyledButton
                className="tab-name"
                role="tab"
                aria-selected={session.requestId === chosen}
                aria-keyshortcuts={isOpen ? undefined : 'Delete'}
                onClick={() => place.openTab(session.requestId)}
                onKeyDown={(event) => event.key === 'Delete' && !isOpen && onClose(session)}
              >
                <span className={`dot ${isOpen ? 'live' : 'ended'}`} aria-hidden />
                <b className="cut">{session.device.name}</b>
                <span className="cut t2 tab-site">{session.device.site}</span>
                <span className="num small t3">{isOpen ? format.countdown(session.endsMs - nowMs) : text.tabEnded}</span>
              </UnstyledButton>
              {/* For the pointer: a list of tabs holds tabs only (ARIA); by keyboard it is Delete, or the button on the screen itself. */}
              {!isOpen && (
                <span aria-hidden>
                  <IconButton icon={X} small label={text.closeTab(session.device.name)} tabIndex={-1} onClick={() => onClose(session)} />
                </span>
              )}
            </div>
          )
        })}
        {asking.map((request) => (
          <div key={request.requestId} className="tab" role="presentation">
            <UnstyledButton
              className="tab-name"
              role="tab"
              aria-selected={false}
              onClick={() => place.openDialog({ kind: 'follow', requestId: request.requestId })}
            >
              <span className="dot wait" aria-hidden />
              <b className="cut">{request.device.name}</b>
              <span className="cut t2 tab-site">{request.device.site}</span>
              <span className="small c-wait">{text.tabAsking}</span>
            </UnstyledButton>
          </div>
        ))}
      </div>
      <IconButton icon={Plus} small label={text.newSession} onClick={() => place.go('devices')} />
    </div>
  )
}
