/** A command line kept for later; `{{name}}` stands for what is asked for each time. */
export type Piece = { kind: 'text'; text: string } | { kind: 'slot'; name: string }

const slot = /\{\{\s*([\p{L}\p{N}][\p{L}\p{N} _-]{0,39}?)\s*\}\}/gu

export function piecesOf(snippet: string): Piece[] {
  const pieces: Piece[] = []
  let at = 0
  for (const match of snippet.matchAll(slot)) {
    if (match.index > at) pieces.push({ kind: 'text', text: snippet.slice(at, match.index) })
    pieces.push({ kind: 'slot', name: match[1] ?? '' })
    at = match.index + match[0].length
  }
  if (at < snippet.length) pieces.push({ kind: 'text', text: snippet.slice(at) })
  return pieces
}

/** Each name once, in the order in which they are met. */
export function slotsOf(snippet: string): string[] {
  return [...new Set(piecesOf(snippet).flatMap((piece) => (piece.kind === 'slot' ? [piece.name] : [])))]
}

/** The line to put into the terminal; a name without a value stays as it is written. What is filled in is not looked at for names again. */
export function filled(snippet: string, values: Readonly<Record<string, string>>): string {
  return piecesOf(snippet)
    .map((piece) => (piece.kind === 'text' ? piece.text : values[piece.name] || `{{${piece.name}}}`))
    .join('')
}
