import './no-eval.ts'
import '@fontsource-variable/inter/opsz.css'
import '@fontsource-variable/jetbrains-mono/index.css'
import './ui/mantine.css'
import '@xterm/xterm/css/xterm.css'
import './ui/tokens.css'
import './ui/base.css'
import './ui/fields.css'
import './ui/floating.css'
import './ui/thread.css'
import './ui/screens.css'
import './shell.css'
import './sign-in/sign-in.css'
import './lock/lock.css'
import './devices/devices.css'
import './request/request.css'
import './case/case.css'
import './session/session.css'
import './session/terminal/terminal.css'
import './session/files/files.css'
import './session/files/narrow.css'
import './session/activity/activity.css'
import './session/ended.css'
import { useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { call, on } from './api.ts'
import { App } from './app.tsx'
import { LockScreen } from './lock/lock-screen.tsx'
import { watchInput } from './lock/watch-input.ts'
import { openState, type State, StateProvider } from './state.ts'
import { ThemeProvider } from './theme.tsx'
import { ErrorBoundary } from './ui/error-boundary.tsx'
import { SpeechProvider } from './ui/language.tsx'
import { useStore } from './ui/store.ts'
import { allowOwnStyles, pageNonce } from './ui/strict-styles.ts'

/** The composition root of the window. */
allowOwnStyles(document, pageNonce(document))
watchInput(call)
// What is dropped beside a place for it would be opened in the window's stead.
for (const kind of ['dragover', 'drop'] as const) {
  window.addEventListener(kind, (event) => {
    if (event.defaultPrevented) return
    event.preventDefault()
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'none'
  })
}
const root = document.getElementById('root')
if (root) void openState(call, on).then((state) => createRoot(root).render(<Window state={state} />))

function Window({ state }: { state: State }) {
  const { language, theme } = useStore(state.settings.store)
  const { locked } = useStore(state.lock)
  // A page that is loaded while locked would be refused what it asks for first: it begins once the lock is open.
  const [wasOpen, setWasOpen] = useState(!locked)
  useEffect(() => {
    if (!locked) setWasOpen(true)
  }, [locked])
  return (
    <ThemeProvider chosen={theme} language={language}>
      <SpeechProvider language={language}>
        <StateProvider value={state}>
          {(wasOpen || !locked) && (
            <ErrorBoundary>
              <App />
            </ErrorBoundary>
          )}
          <LockScreen />
        </StateProvider>
      </SpeechProvider>
    </ThemeProvider>
  )
}
