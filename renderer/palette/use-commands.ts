import { useEffect, useRef } from 'react'
import { useWindowState } from '../state.ts'
import type { Command } from './commands.ts'

/** Offers them in the palette while `isOn`; what cannot be done is left out (false). Asked for when the palette opens, so they are about what is chosen then. */
export function useCommands(commands: () => readonly (Command | false)[], isOn = true): void {
  const { commands: state } = useWindowState()
  const newest = useRef(commands)
  newest.current = commands
  useEffect(() => (isOn ? state.offer(() => newest.current().filter((one) => one !== false)) : undefined), [state, isOn])
}
