/** How long in words, in the largest unit that is still exact enough. `seconds` may be below 0: the sign is told elsewhere. */
export const spanEn = (seconds: number): string => span(seconds, 'days')
export const spanFr = (seconds: number): string => span(seconds, 'jours')

function span(seconds: number, days: string): string {
  const size = Math.abs(seconds)
  if (size < 120) return `${size} s`
  if (size < 7_200) return `${Math.round(size / 60)} min`
  return size < 172_800 ? `${Math.round(size / 3_600)} h` : `${Math.round(size / 86_400)} ${days}`
}
