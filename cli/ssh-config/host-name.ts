import type { CommandLineWords } from '@gantry/shared/words/command-line.en.ts'
import { usageError } from '../exit-code.ts'

/**
 * DEVICE as typed, as the patterns of a `Host` line (ssh_config(5), PATTERNS). Patterns know no escape, so `*` and `?` in a name become `?`, which matches
 * them and less than `*` would. What cannot stand in a `Host` line, or what ssh and scp read as something else, is refused, and the id offered:
 * `-` in front is an option, `@` parts a user, `:` and `/` part a path, `!` in front negates.
 *
 * OpenSSH since 9.6 takes no host with a space or a character of the shell on its command line (CVE-2023-51385), so such a name gets the id beside it.
 */
export function hostPattern(typed: string, deviceId: string, words: CommandLineWords['usage']): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  if (typed === '' || /^[-!]|[@:/\\"'\u0000-\u001f\u007f]/u.test(typed)) throw usageError(words.notAHost(deviceId))
  const pattern = quote(typed.replaceAll(/[*?]/g, '?'))
  return isHost(typed) ? pattern : `${pattern} ${deviceId}`
}

/** Whether every OpenSSH takes the name on its command line. */
export function isHost(name: string): boolean {
  return !/[\s`$;&<>|(){}]/u.test(name)
}

/** An argument of ssh_config(5): in double quotes where it needs them. */
export function quote(argument: string): string {
  return /^[\w.,+/:@%?~=-]+$/u.test(argument) && !argument.startsWith('=') ? argument : `"${argument}"`
}
