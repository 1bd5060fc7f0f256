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

export function allMarked(names: readonly string[], selection: Selection): Selection {
  return { ...selection, marked: new Set(names) }
}
