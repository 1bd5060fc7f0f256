import { corpus, decoded } from '../../support/hostile-terminal/corpus.ts'

/** Longer ones are in the corpus; here they would leave no room for anything else. */
const known = corpus.flatMap(({ sequences }) => sequences.map(([, octets]) => decoded(octets))).filter(({ length }) => length < 2_000)
const printed = 'the quick brown fox jumps over 12 lazy dogs; ls -l /var/nv \u00e9\u4e2d\u{1f600}\u0301\u202e'
const finals = '@ABCDEFGHIJKLMPSTXZ`abcdefghilmnpqrstuvwxyz{|}~'

/** Terminal output as only chance and malice write it: sequences of the corpus, whole, cut and spliced, others made up within the grammar and outside of it, and text. */
export function createNoise(chance: () => number): (characters: number) => string {
  const below = (bound: number) => Math.floor(chance() * bound)
  const pick = <T>(from: ArrayLike<T>): T => from[below(from.length)] as T
  const number = () => pick([0, 1, 2, 5, 24, 80, 999, 1000 + below(50), 65_535, 2_147_483_647, below(3_000)])
  const numbers = () => Array.from({ length: below(4) }, number).join(pick([';', ';', ':']))
  const text = (most: number) => Array.from({ length: 1 + below(most) }, () => pick([...printed])).join('')
  const string = () =>
    `${pick(['\u001bP', '\u001b]', '\u001b]', '\u001b_', '\u001b^', '\u001bX', '\u009d', '\u0090'])}${pick([numbers(), '52;c;?', '$q', '+q'])};${text(40)}`
  const kinds: readonly (() => string)[] = [
    () => pick(known),
    () => pick(known).slice(0, 1 + below(12)) + pick(known).slice(-1 - below(12)),
    () =>
      `${pick(['\u001b[', '\u001b[', '\u009b'])}${pick(['', '', '?', '>', '=', '<'])}${numbers()}${pick(['', '', '', ' ', '!', '"', '$', "'", '*', '#'])}${pick(finals)}`,
    () => `${string()}${pick(['\u0007', '\u001b\\', '\u009c', '\u0018', ''])}`,
    () => `\u001b${pick(['', '(', ')', '*', '+', '#', '%', ' '])}${String.fromCharCode(0x30 + below(0x4f))}`,
    () => Array.from({ length: 1 + below(8) }, () => String.fromCharCode(below(0xa0))).join(''),
    () => `${text(80)}\r\n`,
    () => 'x'.repeat(1 + below(600)),
    () => `${text(40)} `.repeat(1 + below(12)),
  ]
  return (characters) => {
    let noise = ''
    while (noise.length < characters) noise += pick(kinds)()
    return noise.toWellFormed()
  }
}
