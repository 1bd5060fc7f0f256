import { type State, useWindowState } from './state.ts'
import { type Keys, useKeys } from './ui/keys.ts'
import { useStore } from './ui/store.ts'

/** Keys that belong to the whole window: the palette, session tabs, regions, the list of keys. */
export function useAppKeys(isIn: boolean): void {
  const state = useWindowState()
  const { place, sessions } = state
  const { dialog } = useStore(place.store)
  const open = () => sessions.store.get()
  const tabs: Keys = Object.fromEntries(
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((digit) => [
      `Ctrl+${digit}`,
      () => {
        const session = open()[digit - 1]
        if (session) place.openTab(session.requestId)
      },
    ]),
  )
  const next = () => {
    const all = open()
    const at = all.findIndex(({ requestId }) => requestId === place.store.get().tab)
    const session = all[(at + 1) % Math.max(1, all.length)]
    if (session) place.openTab(session.requestId)
  }
  useKeys({ ...tabs, 'Ctrl+Shift+T': () => reopenTab(state), 'Ctrl+Tab': next, F6: nextRegion, '?': () => place.go('help') }, isIn && dialog === null)
  useKeys(
    { 'Ctrl+K': () => (dialog?.kind === 'palette' ? place.closeDialog() : place.openDialog({ kind: 'palette' })) },
    isIn && (dialog === null || dialog.kind === 'palette'),
  )
}

/** The tab that was closed last; nothing where there is none. */
export function reopenTab({ place, sessions }: State): void {
  const session = sessions.restore()
  if (session) place.openTab(session.requestId)
}

/** The next part of the screen gets the focus, round and round; parts that are hidden are passed over. */
function nextRegion(): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter((region) => region.offsetParent !== null)
  const at = regions.findLastIndex((region) => region.contains(document.activeElement))
  const region = regions[(at + 1) % Math.max(1, regions.length)]
  const inner = region?.querySelector<HTMLElement>('.grid[tabindex], .file-grid, .xterm-helper-textarea')
  const own = region?.classList.contains('rail') ? '[aria-current]' : region?.classList.contains('tools') ? 'button' : null
  const target = own === null ? (inner ?? region) : region?.querySelector<HTMLElement>(own)
  target?.focus()
}
