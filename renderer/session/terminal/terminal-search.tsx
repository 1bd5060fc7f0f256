// biome-ignore-all lint/a11y/useSemanticElements: the search element is not known to all readers yet
import { ChevronDown, ChevronUp, X } from 'lucide-react'
import { useEffect, useState } from 'react'
import { IconButton } from '../../ui/button.tsx'
import { useSpeech } from '../../ui/language.tsx'
import type { OwnTerminal } from './create-terminal.ts'

/** Search in the scrollback: Enter goes up to older lines, Shift Enter down, Esc closes. */
export function TerminalSearch({ own, onClose }: { own: OwnTerminal; onClose: () => void }) {
  const { words } = useSpeech()
  const text = words.session.terminal
  const [query, setQuery] = useState('')
  const [found, setFound] = useState({ at: 0, of: 0 })
  const decorations = useDecorations()
  const go = (isBack: boolean, what = query) => {
    const options = { decorations, incremental: what !== query }
    if (isBack) own.search.findPrevious(what, options)
    else own.search.findNext(what, options)
  }
  const close = () => {
    own.search.clearDecorations()
    own.terminal.clearSelection()
    onClose()
  }
  useEffect(() => {
    const listening = own.search.onDidChangeResults(({ resultIndex, resultCount }) => setFound({ at: resultIndex + 1, of: resultCount }))
    return () => listening.dispose()
  }, [own])
  return (
    <div className="find" role="search">
      <label className="field grow">
        <input
          // biome-ignore lint/a11y/noAutofocus: it was just asked for
          autoFocus
          value={query}
          placeholder={text.searchPlaceholder}
          aria-label={text.searchPlaceholder}
          onChange={(event) => {
            setQuery(event.target.value)
            go(true, event.target.value)
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') go(!event.shiftKey)
            if (event.key === 'Escape') close()
          }}
        />
        <span className="small t3 num nowrap" role="status">
          {query && text.found(found.at, found.of)}
        </span>
      </label>
      <IconButton icon={ChevronUp} small label={text.previous} keys="Enter" onClick={() => go(true)} />
      <IconButton icon={ChevronDown} small label={text.next} keys="Shift Enter" onClick={() => go(false)} />
      <IconButton icon={X} small label={words.ui.close} keys={words.ui.esc} onClick={close} />
    </div>
  )
}

function useDecorations() {
  const [colours] = useState(() => {
    const style = getComputedStyle(document.documentElement)
    const read = (name: string) => style.getPropertyValue(name).trim()
    return {
      matchBackground: read('--term-select'),
      activeMatchBackground: read('--accent'),
      matchOverviewRuler: read('--accent'),
      activeMatchColorOverviewRuler: read('--accent'),
    }
  })
  return colours
}
