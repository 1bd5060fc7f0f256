/** Markup of ours; everything else that enters a page is escaped. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

type Part = string | number | Raw | readonly Raw[]

/** The template's own text is markup, what is put into it is text. Pure. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Raw {
  const escaped = (part: Part): string => {
    if (part instanceof Raw) return part.text
    if (Array.isArray(part)) return part.map(escaped).join('')
    return String(part).replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
  }
  return new Raw(strings.reduce((before, string, index) => `${before}${index > 0 ? escaped(parts[index - 1] ?? '') : ''}${string}`, ''))
}
