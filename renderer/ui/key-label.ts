import { useWindowState } from '../state.ts'
import { useSpeech } from './language.tsx'

/** Names of keys as this person's keyboard has them: in the chosen language, and with the signs of macOS there. `Ctrl Shift F`. */
export function useKeyLabel(): (keys: string) => string {
  const { words } = useSpeech()
  const isMac = useWindowState().about.platform === 'darwin'
  return (keys) =>
    keys
      .split(' ')
      .map((key) => (isMac ? macKeys[key] : undefined) ?? words.ui.keyNames[key] ?? key)
      .join(' ')
}

const macKeys: Record<string, string> = { Ctrl: '⌘', Shift: '⇧', Alt: '⌥', Enter: '↵', Delete: '⌦', Backspace: '⌫' }
