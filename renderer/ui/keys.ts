import { useEffect, useRef } from 'react'

/** A key with its modifiers in a fixed order: `Ctrl+Shift+E`, `Alt+1`, `ArrowDown`, `/`. On macOS ⌘ counts as Ctrl. */
export function keyName(event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
  const isLetter = /^[a-z]$/i.test(event.key)
  // With Alt, a digit key can give another character on some layouts; its code is the same everywhere.
  const digit = event.altKey || event.ctrlKey ? /^Digit(\d)$/.exec(event.code)?.[1] : undefined
  const key = digit ?? (event.key === ' ' ? 'Space' : isLetter ? event.key.toUpperCase() : event.key)
  const isPrinted = event.key.length === 1 && !isLetter && event.key !== ' ' && digit === undefined
  const modifiers = [event.ctrlKey || event.metaKey ? 'Ctrl' : '', event.altKey ? 'Alt' : '', event.shiftKey && !isPrinted ? 'Shift' : '']
  return [...modifiers.filter(Boolean), key].join('+')
}

/** With the terminal in focus only these belong to the app; the rest goes to the device (design: Keyboard). */
export function isAppKey(name: string): boolean {
  return /^(Ctrl\+K|Ctrl\+Shift\+.+|Ctrl\+Tab|Alt\+[123]|F6)$/.test(name)
}

function isInTerminal(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.xterm') !== null
}

/** True where Enter and Space press what has the focus. */
function isPressing(target: EventTarget | null, name: string): boolean {
  return (name === 'Enter' || name === 'Space') && target instanceof Element && target.closest('button, a, summary, [role="menuitem"]') !== null
}

export type Keys = Record<string, (event: KeyboardEvent) => void>

/** True where plain keys are text: they belong to the field, not to the screen. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/**
 * Keys of a screen, while `isActive`. A plain key is left to a field that has the focus, and Enter and Space to a button; keys with Ctrl or Alt and F keys are not.
 * A handler that is not called leaves the key to the browser.
 */
export function useKeys(keys: Keys, isActive = true): void {
  const newest = useRef(keys)
  newest.current = keys
  useEffect(() => {
    if (!isActive) return
    const listen = (event: KeyboardEvent) => {
      const name = keyName(event)
      const handler = Object.hasOwn(newest.current, name) ? newest.current[name] : undefined
      if (!handler || event.defaultPrevented || event.isComposing) return
      if (isInTerminal(event.target) && !isAppKey(name)) return
      const isPlain = !/^(Ctrl|Alt)\+|^F\d+$|^Escape$/.test(name)
      if (isPlain && (isTyping(event.target) || isPressing(event.target, name))) return
      event.preventDefault()
      handler(event)
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [isActive])
}
