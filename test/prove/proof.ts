/** One proof: what it shows, for which requirements and goals, and how it is run. It never throws for a figure that falls short: that is a row that does not hold. */
export type Proof = {
  name: string
  title: string
  /** Requirements (R0xx), goals (Dxx). */
  covers: readonly string[]
  /** How it is done, for whoever reads the figures. */
  method: string
  /** What is not shown here, said openly. */
  limits?: readonly string[]
  run(context: ProofContext): Promise<Row[]>
}
export type ProofContext = {
  /** Numbers cut down, for a try. */
  quick: boolean
  /** For whatever is drawn by chance; printed, so that a run can be repeated. */
  seed: number
  say(line: string): void
}
/** `holds: null`: a figure without a bound. */
export type Row = { what: string; bound: string; found: string; holds: boolean | null }

export function row(what: string, bound: string, found: string, holds: boolean | null): Row {
  return { what, bound, found, holds }
}

export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export function milliseconds(value: number): string {
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)} s` : `${Math.round(value)} ms`
}

/** The code of the catalogue, or whatever else was thrown. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
export function createChance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
