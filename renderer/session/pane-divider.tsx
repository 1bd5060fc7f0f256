import { useRef } from 'react'
import { useSpeech } from '../ui/language.tsx'
import { dividerAfter, type PaneLayout } from './pane-layout.ts'

/** Between terminals and files: dragged, or moved with the arrows (ARIA window splitter). */
export function PaneDivider({ layout, onShare }: { layout: PaneLayout; onShare: (sharePercent: number) => void }) {
  const { words } = useSpeech()
  const own = useRef<HTMLDivElement>(null)
  const drag = (event: React.PointerEvent) => {
    const box = own.current?.parentElement?.getBoundingClientRect()
    const rail = own.current?.nextElementSibling?.getBoundingClientRect()
    if (!box || event.buttons === 0) return
    const across = layout.isBeside ? (event.clientX - box.left) / Math.max(1, (rail?.left ?? box.right) - box.left) : (event.clientY - box.top) / box.height
    onShare(across * 100)
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a line cannot be moved
    <div
      ref={own}
      className="divider"
      role="separator"
      tabIndex={0}
      aria-label={words.session.divider}
      aria-orientation={layout.isBeside ? 'vertical' : 'horizontal'}
      aria-valuenow={layout.sharePercent}
      aria-valuemin={20}
      aria-valuemax={80}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={drag}
      onKeyDown={(event) => {
        const share = dividerAfter(event.key, layout)
        if (share === null) return
        event.preventDefault()
        onShare(share)
      }}
    />
  )
}
