import { describe, expect, test } from 'vitest'
import { dividerAfter, paneLayoutOf, withPaneLayout } from './pane-layout.ts'

describe('how panes stand is remembered', () => {
  test('what was kept comes back, beside what else the window keeps there', () => {
    const kept = withPaneLayout({ side: 0 }, { isBeside: true, sharePercent: 60 })
    expect(kept.side).toBe(0)
    expect(paneLayoutOf(kept)).toEqual({ isBeside: true, sharePercent: 60 })
  })

  test('nothing kept, or nonsense, gives panes that can be used', () => {
    expect(paneLayoutOf({})).toEqual({ isBeside: false, sharePercent: 48 })
    expect(paneLayoutOf({ 'panes.share': Number.NaN })).toEqual({ isBeside: false, sharePercent: 48 })
    expect(paneLayoutOf({ 'panes.share': 3 }).sharePercent).toBe(20)
    expect(paneLayoutOf({ 'panes.share': 1e9 }).sharePercent).toBe(80)
  })

  test('the divider goes by arrows along its own way only, and never out of its limits', () => {
    const over = { isBeside: false, sharePercent: 78 }
    expect(dividerAfter('ArrowDown', over)).toBe(80)
    expect(dividerAfter('ArrowRight', over)).toBeNull()
    expect(dividerAfter('ArrowLeft', { isBeside: true, sharePercent: 50 })).toBe(46)
    expect(dividerAfter('Home', over)).toBe(20)
  })
})
