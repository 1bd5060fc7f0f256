import { KeyRound, LogIn } from 'lucide-react'
import { call, knownFailure } from '../api.ts'
import { useWindowState } from '../state.ts'
import { Button } from '../ui/button.tsx'
import { FailureNote } from '../ui/failure-note.tsx'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { Logo } from '../ui/thread.tsx'
import { BrowserLink } from './browser-link.tsx'

/** Signing in happens in the system's browser; this screen starts it, waits for it, and says what went wrong. */
export function SignInScreen() {
  const { words, language } = useSpeech()
  const state = useWindowState()
  const { phase, link, failure, secretStore } = useStore(state.signIn)
  const text = words.signIn
  const isWaiting = phase === 'waiting-for-browser'
  const start = () => void call('sign-in.start', {}).catch(() => undefined)
  const title = isWaiting ? text.waitingTitle : phase === 'expired' ? text.expiredTitle : text.title
  return (
    <main className="si">
      <aside>
        <Art />
        <div className="brand">
          <Logo />
          <b>{words.ui.appName}</b>
        </div>
        <div className="ctx">
          <p>{text.storyTitle}</p>
          <p className="t2">{text.story}</p>
        </div>
      </aside>
      <div className="si-side">
        <div className="si-form">
          <ol className="stp">
            <li className={isWaiting ? 'ok' : 'on'}>{text.steps.start}</li>
            <li className={isWaiting ? 'on' : ''}>{text.steps.browser}</li>
            <li>{text.steps.done}</li>
          </ol>
          <div>
            <h1>{title}</h1>
            <p className="t2">{isWaiting ? text.waitingText : phase === 'expired' ? text.expiredText : text.text}</p>
          </div>
          {failure && !isWaiting && <FailureNote failure={knownFailure(failure)} tone={failure.code === 'auth.cancelled' ? 'ink' : 'danger'} />}
          {isWaiting && link && <BrowserLink link={link} />}
          {isWaiting ? (
            <Button size="lg" grow onClick={() => void call('sign-in.cancel', {}).catch(() => undefined)}>
              {text.cancel}
            </Button>
          ) : (
            <Button size="lg" look="primary" grow icon={LogIn} onClick={start}>
              {text.start}
            </Button>
          )}
          <p className="small t3 row-x si-kept">
            <KeyRound className="i s" aria-hidden />
            {secretStore === 'sandbox' ? text.keptInSandbox : text.keptInKeychain}
          </p>
        </div>
        <footer className="small t3">
          <span>{text.on(new URL(state.about.mainServer).host)}</span>
          <button
            type="button"
            className="link"
            lang={language === 'fr' ? 'en' : 'fr'}
            onClick={() => state.settings.change({ language: language === 'fr' ? 'en' : 'fr' })}
          >
            {text.otherLanguage}
          </button>
        </footer>
      </div>
    </main>
  )
}

/** The ring and the one line that comes out of it, large. */
function Art() {
  return (
    <svg className="art" viewBox="0 0 600 600" aria-hidden="true">
      <g className="thin">
        <circle cx="360" cy="300" r="290" />
        <circle cx="360" cy="300" r="196" />
        <circle cx="360" cy="300" r="118" />
        <path d="M360 10V104M360 496V590M650 300H556" />
      </g>
      <path className="ring" d="M190.500 131A239 239 0 1 1 190.500 469" />
      <path className="line" d="M-1400 300H352" />
      <circle className="end" cx="360" cy="300" r="15" />
    </svg>
  )
}
