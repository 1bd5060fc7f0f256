import { type ControlSequence, focusEvents, questions } from '@gantry/shared/terminal-questions.ts'

/**
 * Output of a device as it may reach the person's own terminal, whichever that is. Colours, cursor and screen are the terminal's business. Left out is what makes a terminal act on something
 * else (clipboard, window title, links: OSC, DCS, SOS, PM and APC of ECMA-48 section 5.6), and what makes it answer beyond who is there (DA1), whether (DSR 5) and where the cursor is (DSR 6), as
 * the desktop client does. No sequence is given out before it is whole, so that the terminal never stands in the middle of one that was judged as something else.
 * Keeps its state across chunks; an unfinished string is bounded by nothing, since nothing of it is kept.
 */
export function createInert(): (text: string) => string {
  let state: 'text' | 'escape' | 'intermediate' | 'sequence' | 'string' = 'text'
  let body = ''
  const begin = (next: typeof state) => {
    state = next
    body = ''
    return ''
  }

  const inText = (character: string): string => {
    if (character === esc) return begin('escape')
    if (character === '\u009b') return begin('sequence')
    if ('\u0090\u0098\u009d\u009e\u009f'.includes(character)) return begin('string')
    return silent.includes(character) ? '' : character
  }
  /** Terminals do what a control character says in the middle of a sequence, and go on with it. */
  const inSequence = (character: string): string => {
    if (character === esc) return begin('escape')
    if (cancels.includes(character)) return begin('text')
    if (character < ' ' || character === '\u007f') return silent.includes(character) ? '' : character
    if (character > '~') {
      begin('text')
      return inText(character)
    }
    return whole(character)
  }
  const whole = (character: string): string => {
    if (state === 'escape' && character === '[') return begin('sequence')
    if (state === 'escape' && ']PX^_'.includes(character)) return begin('string')
    const isFinal = state === 'sequence' ? character >= '@' : character >= '0'
    if (!isFinal) {
      if (state === 'escape') state = 'intermediate'
      // One more than fits is kept, by which it is seen to be too long.
      if (body.length <= maxBody) body += character
      return ''
    }
    const said = state === 'sequence' ? `${esc}[${body}${character}` : `${esc}${body}${character}`
    const isLeftOut = body.length > maxBody || (state === 'sequence' ? asks(body, character) : body === '' && 'Z\\'.includes(character))
    begin('text')
    return isLeftOut ? '' : said
  }
  const inString = (character: string): string => {
    // ST is ESC \ or one C1 character; xterm also takes BEL. Any other sequence ends it as well.
    if (character === esc) return begin('escape')
    return character === '\u0007' || character === '\u009c' || cancels.includes(character) ? begin('text') : ''
  }

  return (text) => {
    let out = ''
    for (const character of text) {
      if (state === 'text') out += inText(character)
      else if (state === 'string') out += inString(character)
      else out += inSequence(character)
    }
    return out
  }
}

const esc = '\u001b'
const cancels = '\u0018\u001a'
/** ENQ asks for the answerback, DECID in C1 for what DA1 tells; DEL is nothing. */
const silent = '\u0005\u007f\u009a'
const maxBody = 256

/** True for what is left out: a question beyond the three, one of several modes of which one is focus events, and what no terminal would read as a sequence. */
function asks(body: string, final: string): boolean {
  const parts = /^([<=>?]?)([0-9:;]*)([ -/]*)$/.exec(body)
  if (!parts) return true
  const [, prefix = '', numbers = '', intermediates = ''] = parts
  const is = (one: ControlSequence) => one.final === final && (one.prefix ?? '') === prefix && (one.intermediates ?? '') === intermediates
  if (questions.some(is)) return true
  if (prefix === '' && intermediates === '' && final === 'n') return !/^0*[56]$/.test(numbers)
  return prefix === '?' && final === 'h' && numbers.split(/[:;]/).some((number) => Number(number) === focusEvents)
}
