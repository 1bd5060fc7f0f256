/**
 * While the lock is up nothing else on the page is seen or reached: style sheets hide it (`data-locked`), the focus is in the lock, and keys go nowhere else:
 * the window's own shortcuts listen further down. Default actions (Tab, Enter on a button) stay. Returns the function that lets go.
 */
export function holdPage(lock: HTMLElement): () => void {
  const before = document.activeElement
  const hold = (event: Event) => event.stopImmediatePropagation()
  const kinds = ['keydown', 'keyup', 'keypress', 'paste', 'copy', 'cut'] as const
  for (const kind of kinds) window.addEventListener(kind, hold, true)
  document.body.dataset.locked = ''
  lock.focus()
  return () => {
    for (const kind of kinds) window.removeEventListener(kind, hold, true)
    delete document.body.dataset.locked
    if (before instanceof HTMLElement) before.focus()
  }
}
