/** What is made of samples. A figure of the table is the median of the rounds' own ratios: both sides of a ratio were measured within seconds of each other, on the same machine. */
export type Spread = { median: number; min: number; max: number }

/** Nearest rank: a value that was measured, never one in between. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error('no samples')
  if (values.some((value) => !Number.isFinite(value))) throw new Error('a sample is no number')
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number
}

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), min: quantile(values, 0), max: quantile(values, 1) }
}

/** Round by round, ours divided by theirs. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) throw new Error(`${ours.length} rounds of ours against ${theirs.length} of theirs`)
  return ours.map((value, round) => value / (theirs[round] as number))
}

/** Least squares: by how much `y` grows with one more of `x`. */
export function slope(points: readonly { x: number; y: number }[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(points.map((point) => point.x))
  const y = mean(points.map((point) => point.y))
  const over = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
  if (over === 0) throw new Error('a slope needs two places')
  return points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / over
}

/** Three significant digits, without an exponent. */
export function short(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 3))
}
