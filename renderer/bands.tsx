import { UnstyledButton } from '@mantine/core'
import { LogIn, WifiOff } from 'lucide-react'
import { call } from './api.ts'
import { FirstSteps } from './first-steps/first-steps.tsx'
import { RehearsalBand } from './rehearsal/rehearsal-band.tsx'
import { LeftBand } from './session/files/left-band.tsx'
import { ElsewhereBand } from './sign-in/elsewhere-band.tsx'
import { useWindowState } from './state.ts'
import { useSpeech } from './ui/language.tsx'
import { useStore } from './ui/store.ts'

/** Lines under the title bar, for what is true of the whole window: the development host, a lost main server, a sign-in that is over, what is missing before a first session. */
export function Bands({ hasSignIn }: { hasSignIn: boolean }) {
  const { words, format } = useSpeech()
  const state = useWindowState()
  const { offline, atMs } = useStore(state.devices.store)
  const connection = useStore(state.connection)
  const { phase } = useStore(state.signIn)
  const { about } = state
  const isOffline = phase === 'signed-in' && (offline || !connection.online)
  const since = connection.online ? (atMs ?? connection.sinceMs) : connection.sinceMs
  return (
    <section className="bands" aria-label={words.shell.bands}>
      {about.host === 'browser' && about.hostReason !== null && (
        <p className="band dev" role="note">
          {words.shell.developmentHost(about.hostReason)}
        </p>
      )}
      {isOffline && (
        <p className="band" role="status">
          <WifiOff className="i s" aria-hidden />
          <span className="grow">
            <b>{words.shell.offlineSince(format.timeInSentence(since))}</b> {words.shell.offlineText}
          </span>
          <UnstyledButton className="link" onClick={state.devices.read}>
            {words.devices.retry}
          </UnstyledButton>
        </p>
      )}
      {phase === 'signed-in' && <ElsewhereBand />}
      {phase === 'signed-in' && <FirstSteps />}
      {phase === 'signed-in' && <RehearsalBand />}
      {phase === 'signed-in' && <LeftBand />}
      {!hasSignIn && (
        <p className="band" role="status">
          <LogIn className="i s" aria-hidden />
          <span className="grow">
            <b>{words.shell.signInOver}</b> {words.shell.signInOverText}
          </span>
          <UnstyledButton className="link" onClick={() => void call('sign-in.start', {}).catch(() => undefined)}>
            {words.shell.signIn}
          </UnstyledButton>
        </p>
      )}
    </section>
  )
}
