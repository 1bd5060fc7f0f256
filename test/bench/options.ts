import { parseArgs } from 'node:util'
import { type RowName, rowNames } from './figures.ts'

export type Options = {
  rounds: number
  /** Of the transferred file. */
  mib: number
  keys: number
  pairs: number
  kills: number
  floodMb: number
  rows: readonly RowName[]
  write: boolean
}

export const usage = `npm run bench -- [--rounds 5] [--size MiB] [--only ${rowNames.join(',')}] [--quick] [--write]`

const whole = { rounds: 5, mib: 1_024, keys: 1_000, pairs: 500, kills: 10, floodMb: 100 } as const
const quick = { rounds: 2, mib: 128, keys: 200, pairs: 100, kills: 2, floodMb: 20 } as const

/** Throws on what it does not know: a mistyped row must not look like one that was measured. */
export function parseOptions(argv: string[]): Options {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string' },
      size: { type: 'string' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  })
  const base = values.quick ? quick : whole
  const only = values.only?.split(',')
  const unknown = only?.find((name) => !rowNames.some((row) => row === name))
  if (unknown !== undefined) throw new Error(`no row is called ${unknown}: ${usage}`)
  const options = {
    ...base,
    rounds: count(values.rounds, base.rounds),
    mib: count(values.size, base.mib),
    rows: rowNames.filter((row) => only?.includes(row) ?? true),
    write: values.write,
  }
  // The page shows the whole table, and says how large the files were.
  if (options.write && (only || values.quick || options.rounds < whole.rounds)) throw new Error(`--write is for a whole run: ${usage}`)
  return options
}

function count(text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 100_000) throw new Error(usage)
  return value
}
