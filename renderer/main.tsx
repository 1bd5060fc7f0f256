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
import './devices/devices.css'
import './request/request.css'
import './session/session.css'
import './session/terminal/terminal.css'
import './session/files/files.css'
import './session/activity/activity.css'
import './session/ended.css'
import { createRoot } from 'react-dom/client'
import { call, on } from './api.ts'
import { App } from './app.tsx'
import { openState, type State, StateProvider } from './state.ts'
import { ThemeProvider } from './theme.tsx'
import { ErrorBoundary } from './ui/error-boundary.tsx'
import { SpeechProvider } from './ui/language.tsx'
import { useStore } from './ui/store.ts'
import { allowOwnStyles, pageNonce } from './ui/strict-styles.ts'

/** The composition root of the window. */
allowOwnStyles(document, pageNonce(document))
const root = document.getElementById('root')
if (root) void openState(call, on).then((state) => createRoot(root).render(<Window state={state} />))

function Window({ state }: { state: State }) {
  const { language, theme } = useStore(state.settings.store)
  return (
    <ThemeProvider chosen={theme} language={language}>
      <SpeechProvider language={language}>
        <StateProvider value={state}>
          <ErrorBoundary>
            <App />
          </ErrorBoundary>
        </StateProvider>
      </SpeechProvider>
    </ThemeProvider>
  )
}
