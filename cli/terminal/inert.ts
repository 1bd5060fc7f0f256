/**
 * Output of a device as it may reach the person's own terminal. Colours, cursor and screen are the terminal's business; but strings that make a terminal act on
 * something else (clipboard, window title, links, reports: OSC, DCS, SOS, PM and APC of ECMA-48 section 5.6) are left out, as the desktop client does.
 * Keeps its state across chunks; an unfinished string is bounded by nothing, since nothing of it is kept.
 */
export function createInert(): (text: string) => string {
  let state: 'text' | 'escape' | 'string' | 'string-escape' = 'text'
  return (text) => {
    let out = ''
    for (const character of text) {
      if (state === 'string' || state === 'string-escape') {
        // ST is ESC \ or one C1 character; xterm also takes BEL.
        const ends = character === '\u0007' || character === '\u009c' || character === '\u0018' || character === '\u001a'
        state = ends || (state === 'string-escape' && character === '\\') ? 'text' : character === '\u001b' ? 'string-escape' : 'string'
      } else if (state === 'escape') {
        state = character === '\u001b' ? 'escape' : ']PX^_'.includes(character) ? 'string' : 'text'
        if (state !== 'string') out += `\u001b${state === 'text' ? character : ''}`
      } else if (character === '\u001b') state = 'escape'
      else if ('\u009d\u0090\u0098\u009e\u009f'.includes(character)) state = 'string'
      else out += character
    }
    return out
  }
}
