// biome-ignore-all lint/a11y/useSemanticElements: a search input brings a clear button and an Escape of its own
import { Search } from 'lucide-react'
import type { Ref } from 'react'
import { useSpeech } from '../ui/language.tsx'

type SearchFieldProps = { text: string; onText: (text: string) => void; onDown: () => void; ref: Ref<HTMLInputElement> }

export function SearchField({ text, onText, onDown, ref }: SearchFieldProps) {
  const { words } = useSpeech()
  return (
    <label className="field grow search">
      <Search className="i s t3" aria-hidden />
      <input
        ref={ref}
        type="text"
        role="searchbox"
        value={text}
        placeholder={words.devices.search}
        aria-label={words.devices.search}
        maxLength={200}
        spellCheck={false}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'Enter') return
          event.preventDefault()
          event.currentTarget.blur()
          onDown()
        }}
      />
      <kbd aria-hidden>/</kbd>
    </label>
  )
}
