import { Lock, LockOpen } from 'lucide-react'
import { useLayoutEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import { call, failureOf } from '../api.ts'
import { BrowserLink } from '../sign-in/browser-link.tsx'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { holdPage } from './hold-page.ts'

/** Over everything while the window is locked. What lies below stays as it is, out of sight of eyes, keys and screen readers alike. */
export function LockScreen() {
  const { locked } = useStore(useWindowState().lock)
  return locked ? createPortal(<Locked />, document.body) : null
}

function Locked() {
  const { words, format } = useSpeech()
  const state = useWindowState()
  const { sinceMs } = useStore(state.lock)
  const { confirming, link, specialist } = useStore(state.signIn)
  const open = useStore(state.sessions.store).filter((session) => session.state === 'open').length
  const [failure, setFailure] = useState<ReturnType<typeof failureOf> | null>(null)
  const own = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => (own.current ? holdPage(own.current) : undefined), [])
  const isWaiting = confirming === 'lock'
  const text = words.lock
  const unlock = () => {
    setFailure(null)
    call('lock.open', {}).catch((error) => setFailure(failureOf(error)))
  }
  return (
    <div ref={own} className="lock" role="dialog" aria-modal="true" aria-labelledby="lock-title" tabIndex={-1}>
      <main className="lock-in">
        <Lock className="i l" aria-hidden />
        <h1 id="lock-title">{text.title}</h1>
        <p className="t2" role="status">
          {isWaiting ? text.waiting : text.text}
        </p>
        <p className="small t3">
          {specialist && text.person(specialist.name)} {sinceMs !== null && text.since(format.timeInSentence(sinceMs))} {open > 0 && text.sessions(open)}
        </p>
        {failure && failure.code !== 'auth.cancelled' && <FailureNote failure={failure} />}
        {isWaiting && link && <BrowserLink link={link} />}
        {isWaiting ? (
          <Button size="lg" grow onClick={() => void call('sign-in.cancel', {}).catch(() => undefined)}>
            {words.signIn.cancel}
          </Button>
        ) : (
          <Button size="lg" look="primary" grow icon={LockOpen} onClick={unlock}>
            {text.open}
          </Button>
        )}
      </main>
    </div>
  )
}
