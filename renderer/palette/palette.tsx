import { Search } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useWindowState } from '../state.ts'
import { Dialog } from '../ui/dialog.tsx'
import { useKeyLabel } from '../ui/key-label.ts'
import { useSpeech } from '../ui/language.tsx'
import { type Entry, entriesFor } from './entries.ts'

/** Ctrl K: every screen, every device, and whatever can be done just now, by typing. */
export function Palette({ onClose }: { onClose: () => void }) {
  const speech = useSpeech()
  const state = useWindowState()
  const text = speech.words.palette
  const keyLabel = useKeyLabel()
  const [query, setQuery] = useState('')
  const [at, setAt] = useState(0)
  const found = useMemo(() => entriesFor(query, state, speech), [query, state, speech])
  const run = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    // When the focus is back where it was, so that what is done then can take it from there.
    requestAnimationFrame(entry.run)
  }
  return (
    <Dialog title={text.title} onClose={onClose} width={560} className="palette-dlg" closesOutside>
      <label className="palette-field">
        <Search className="i t3" aria-hidden />
        <input
          value={query}
          data-autofocus
          placeholder={text.placeholder}
          role="combobox"
          aria-expanded={found.length > 0}
          aria-controls="palette-list"
          aria-activedescendant={found[at] ? `palette-${at}` : undefined}
          aria-label={text.title}
          spellCheck={false}
          onChange={(event) => {
            setQuery(event.target.value)
            setAt(0)
          }}
          onKeyDown={(event) => {
            if (event.key === 'ArrowDown') setAt(Math.min(found.length - 1, at + 1))
            else if (event.key === 'ArrowUp') setAt(Math.max(0, at - 1))
            else if (event.key === 'Enter') run(found[at])
            else return
            event.preventDefault()
          }}
        />
      </label>
      <p className="t3 none" role="status">
        {found.length === 0 && text.none(query)}
      </p>
      {found.length > 0 && (
        <div id="palette-list" className="palette-list" role="listbox" aria-label={text.title}>
          {found.map((entry, index) => (
            <div key={`${entry.group}-${entry.name}-${entry.detail}`} role="presentation">
              {entry.group !== found[index - 1]?.group && <p className="head">{text.groups[entry.group]}</p>}
              {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field's own keys act on the chosen entry */}
              <div
                id={`palette-${index}`}
                className={`entry ${index === at ? 'on' : ''}`}
                role="option"
                aria-selected={index === at}
                tabIndex={-1}
                ref={index === at ? (element) => element?.scrollIntoView({ block: 'nearest' }) : null}
                onMouseMove={() => setAt(index)}
                onClick={() => run(entry)}
              >
                <span className="grow cut">{entry.name}</span>
                <span className="small t3 cut">{entry.detail}</span>
                {entry.keys !== undefined && <kbd aria-hidden>{keyLabel(entry.keys)}</kbd>}
              </div>
            </div>
          ))}
        </div>
      )}
    </Dialog>
  )
}
