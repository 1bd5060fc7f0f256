/** Which rows of a list are marked. The cursor is the row that keys act from; the anchor is where a stretch began. */
export type Selection = { cursor: number; anchor: number; marked: ReadonlySet<string> }

export const nothingMarked: Selection = { cursor: 0, anchor: 0, marked: new Set() }

export function moveTo(names: readonly string[], selection: Selection, to: number, isStretch: boolean): Selection {
  const cursor = Math.min(names.length - 1, Math.max(0, to))
  if (names.length === 0) return nothingMarked
  if (!isStretch) return { cursor, anchor: cursor, marked: new Set([names[cursor] ?? '']) }
  const [from, until] = [Math.min(selection.anchor, cursor), Math.max(selection.anchor, cursor)]
  return { cursor, anchor: selection.anchor, marked: new Set(names.slice(from, until + 1)) }
}

export function toggled(names: readonly string[], selection: Selection, at: number): Selection {
  const name = names[at]
  if (name === undefined) return selection
  const marked = new Set(selection.marked)
  if (!marked.delete(name)) marked.add(name)
  return { cursor: at, anchor: at, marked }
}

/** The row that what was typed leads to: the next one that begins with it, from the cursor on and around; the same letter typed again goes to the one after. Null for none. */
export function rowTyped(names: readonly string[], { cursor, marked }: Selection, typed: string): number | null {
  const isSame = [...typed].every((letter) => letter === typed[0])
  const wanted = folded(isSame ? typed.slice(0, 1) : typed)
  const from = marked.size === 0 || (!isSame && typed.length > 1) ? cursor : cursor + 1
  for (let step = 0; step < names.length; step++) {
    const at = (from + step) % names.length
    if (folded(names[at] ?? '').startsWith(wanted)) return at
  }
  return null
}

/** Without accents and case, as somebody types who looks for it. */
function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

export function allMarked(names: readonly string[], selection: Selection): Selection {
  return { ...selection, marked: new Set(names) }
}
