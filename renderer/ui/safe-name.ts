/**
 * Names and lines that a device made, shown so that they cannot mislead: control characters, bidirectional marks and other characters that no one sees
 * are written out (`\n`, `‹U+202E›`). "invoice\u202Egpj.exe" must not read as a picture.
 */
const unseen = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}|\p{Co}|\p{Default_Ignorable_Code_Point}/u
const short: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' }

export type NamePart = { text: string; isEscape: boolean }

export function nameParts(name: string): NamePart[] {
  const parts: NamePart[] = []
  for (const character of name) {
    const isEscape = unseen.test(character)
    const text = isEscape ? written(character) : character
    const last = parts.at(-1)
    if (last && last.isEscape === isEscape) last.text += text
    else parts.push({ text, isEscape })
  }
  return parts
}

export function safeName(name: string): string {
  return nameParts(name)
    .map(({ text }) => text)
    .join('')
}

function written(character: string): string {
  return short[character] ?? `‹U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}›`
}
