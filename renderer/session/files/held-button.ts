/** The button that is held down now: whether it still is, and when it is let go. Esc, or another window in front, counts as letting go. */
export type HeldButton = { isHeld(): boolean; stop(): void }

export function watchButton(onRelease: () => void): HeldButton {
  const listening = new AbortController()
  const { signal } = listening
  const release = () => {
    if (signal.aborted) return
    listening.abort()
    onRelease()
  }
  for (const name of ['pointerup', 'mouseup', 'pointercancel']) window.addEventListener(name, release, { signal, capture: true })
  window.addEventListener('blur', release, { signal })
  // Let go outside of the window, where some systems tell nobody.
  window.addEventListener('pointermove', ({ buttons }) => buttons === 0 && release(), { signal, capture: true })
  window.addEventListener('keydown', ({ key }) => key === 'Escape' && release(), { signal, capture: true })
  return { isHeld: () => !signal.aborted, stop: () => listening.abort() }
}
