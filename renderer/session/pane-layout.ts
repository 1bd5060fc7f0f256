import type { Settings } from '@gantry/shared/ipc.ts'

/** How the panes of every session stand: terminals over the files or beside them, and how much room they have. */
export type PaneLayout = { isBeside: boolean; sharePercent: number }

const keys = { beside: 'panes.beside', share: 'panes.share' }
const limits = { least: 20, most: 80, usual: 48 }

/** From what is remembered; a value that makes no sense counts as none. */
export function paneLayoutOf(layout: Settings['layout']): PaneLayout {
  return { isBeside: layout[keys.beside] === 1, sharePercent: withinLimits(layout[keys.share] ?? limits.usual) }
}

export function withPaneLayout(layout: Settings['layout'], { isBeside, sharePercent }: PaneLayout): Settings['layout'] {
  return { ...layout, [keys.beside]: isBeside ? 1 : 0, [keys.share]: withinLimits(sharePercent) }
}

/** Where the arrows put the divider: Home and End to the limits, null for a key that is none of them. */
export function dividerAfter(key: string, { isBeside, sharePercent }: PaneLayout): number | null {
  const [less, more] = isBeside ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown']
  if (key === less) return withinLimits(sharePercent - 4)
  if (key === more) return withinLimits(sharePercent + 4)
  if (key === 'Home') return limits.least
  return key === 'End' ? limits.most : null
}

function withinLimits(percent: number): number {
  return Number.isFinite(percent) ? Math.min(limits.most, Math.max(limits.least, Math.round(percent))) : limits.usual
}
