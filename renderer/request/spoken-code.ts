/** `482917` as it is read on the screen and as it is said: three and three. */
export function groupedCode(code: string): string {
  return `${code.slice(0, 3)} ${code.slice(3)}`
}

export function spokenCode(code: string, digits: readonly string[]): string {
  const say = (part: string) => [...part].map((digit) => digits[Number(digit)] ?? digit).join(' ')
  return `${say(code.slice(0, 3))}, ${say(code.slice(3))}`
}
