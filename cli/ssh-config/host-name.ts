import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { usageError } from '../exit-code.ts'

/**
 * DEVICE as typed, as the pattern of a `Host` line (ssh_config(5), PATTERNS). Patterns know no escape, so `*` and `?` in a name become `?`, which matches
 * them and less than `*` would. What ssh or scp could not take as a host on their own command line is refused, and the id offered:
 * `-` in front is an option, `@` parts a user, `:` and `/` part a path, `!` in front negates.
 */
export function hostPattern(typed: string, deviceId: string, words: CommandLineWords['usage']): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  if (typed === '' || /^[-!]|[@:/\\"'\u0000-\u001f\u007f]/u.test(typed)) throw usageError(words.notAHost(deviceId))
  return quote(typed.replaceAll(/[*?]/g, '?'))
}

/** An argument of ssh_config(5): in double quotes where it needs them. */
export function quote(argument: string): string {
  return /^[\w.,+/:@%?~=-]+$/u.test(argument) && !argument.startsWith('=') ? argument : `"${argument}"`
}
