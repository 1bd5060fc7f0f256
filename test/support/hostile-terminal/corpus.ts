import { answering } from './answers.ts'
import { breaking } from './broken.ts'
import type { Group } from './group.ts'
import { reaching } from './reach.ts'

/**
 * What a hostile device may print (goal D19), by what it tries. Written after xterm's "Control Sequences", ECMA-48, the VT510 manual and the documents of iTerm2, kitty and rxvt;
 * no terminal knows all of them.
 */
export const corpus: readonly Group[] = [...reaching, ...answering, ...breaking]

/** What may go back to a device: who is there (DA1), that somebody is (DSR), and where the cursor stands (CPR). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const allowedAnswers = /^(?:\u001b\[\?1;2c|\u001b\[0n|\u001b\[\d+;\d+R)*$/

/** As the main process decodes what a device sends: octets that are no UTF-8 become the replacement character. */
export function decoded(octets: string | Uint8Array): string {
  return typeof octets === 'string' ? octets : new TextDecoder('utf-8').decode(octets)
}
