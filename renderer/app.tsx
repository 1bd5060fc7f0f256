import { useAppKeys } from './app-keys.ts'
import { AuditScreen } from './audit/audit-screen.tsx'
import { Bands } from './bands.tsx'
import { DevicesScreen } from './devices/devices-screen.tsx'
import { Dialogs } from './dialogs.tsx'
import { HelpScreen } from './help/help-screen.tsx'
import { HistoryScreen } from './history/history-screen.tsx'
import { Notices, useNotices } from './notices.tsx'
import { SessionScreen } from './session/session-screen.tsx'
import { SettingsScreen } from './settings/settings-screen.tsx'
import { UpdateNotice } from './settings/update-notice.tsx'
import { Rail, TitleBar } from './shell.tsx'
import { SignInScreen } from './sign-in/sign-in-screen.tsx'
import { useWindowState } from './state.ts'
import { useStore } from './ui/store.ts'

const screens = { devices: DevicesScreen, history: HistoryScreen, audit: AuditScreen, help: HelpScreen, settings: SettingsScreen }

export function App() {
  const state = useWindowState()
  const { phase } = useStore(state.signIn)
  const place = useStore(state.place.store)
  const sessions = useStore(state.sessions.store)
  const notices = useNotices()
  // A sign-in that ends leaves open sessions in place: the way back in is then a band over them, not another screen.
  const hasOpen = sessions.some(({ state: now }) => now === 'open')
  const isIn = phase === 'signed-in' || hasOpen
  useAppKeys(isIn)
  if (!isIn) {
    return (
      <div className="win-sign-in">
        <Bands hasSignIn />
        <SignInScreen />
        <div className="notices" role="status">
          <UpdateNotice />
        </div>
      </div>
    )
  }
  const Screen = place.screen === 'sessions' ? null : screens[place.screen]
  return (
    <div className="win">
      <TitleBar />
      <Bands hasSignIn={phase === 'signed-in'} />
      <Rail />
      <div className="work">
        {Screen && <Screen />}
        <SessionScreen isShown={place.screen === 'sessions'} />
      </div>
      <Dialogs />
      <Notices notices={notices} />
    </div>
  )
}
