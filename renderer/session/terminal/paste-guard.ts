/** What is in a text before it goes to a terminal, where every line end runs a line and a control character can press any key. */
export type Paste = { text: string; lines: number; hasControls: boolean; needsConsent: boolean }

/** Tab and line ends are text; all else below space, DEL and the C1 range are not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/
const bidirectional = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: an end mark inside the text would leave the bracket that keeps a shell from running it
const bracketMarks = /\u001b\[20[01]~/g

export function judgePaste(raw: string): Paste {
  const text = raw.replace(bracketMarks, '').replace(/\r\n?/g, '\n')
  const lines = text.split('\n').length
  const hasControls = controls.test(text) || bidirectional.test(text)
  return { text, lines, hasControls, needsConsent: lines > 1 || hasControls }
}

/** A call carries a million characters at most, the browser host's socket a megabyte: long texts go in pieces. */
export function pieces(text: string, characters = 100_000): string[] {
  const cut: string[] = []
  for (let at = 0; at < text.length; ) {
    // A pair of surrogates stays together.
    const end = Math.min(text.length, at + characters)
    const isSplit = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))
    cut.push(text.slice(at, isSplit ? end - 1 : end))
    at = isSplit ? end - 1 : end
  }
  return cut
}
