import type { Settings } from '@gantry/shared/ipc.ts'
import { MantineProvider } from '@mantine/core'
import { type ReactNode, useLayoutEffect, useSyncExternalStore } from 'react'
import { mantineTheme } from './ui/mantine.ts'

type Theme = Exclude<Settings['theme'], 'system'>
const queries = { dark: '(prefers-color-scheme: dark)', contrast: '(prefers-contrast: more)' }

/** One attribute on the page switches all colours; the high-contrast theme is chosen by hand or by the system's wish for more contrast. */
export function ThemeProvider({ chosen, language, children }: { chosen: Settings['theme']; language: Settings['language']; children: ReactNode }) {
  const wished = useSyncExternalStore(onSystemChange, readSystem)
  const theme = chosen === 'system' ? wished : chosen
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = theme
    document.documentElement.lang = language === 'fr' ? 'fr-CA' : 'en'
  }, [theme, language])
  return (
    <MantineProvider theme={mantineTheme} forceColorScheme={theme === 'light' ? 'light' : 'dark'} withCssVariables={false} withGlobalClasses={false}>
      {children}
    </MantineProvider>
  )
}

function readSystem(): Theme {
  if (matchMedia(queries.contrast).matches) return 'contrast'
  return matchMedia(queries.dark).matches ? 'dark' : 'light'
}

function onSystemChange(listener: () => void): () => void {
  const watched = Object.values(queries).map((query) => matchMedia(query))
  for (const query of watched) query.addEventListener('change', listener)
  return () => {
    for (const query of watched) query.removeEventListener('change', listener)
  }
}
