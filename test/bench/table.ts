import { type FigureRow, figureRows, judge, type Measured, type Missing } from './figures.ts'
import { short } from './statistics.ts'

/** CPU seconds per GB, by the name of the process. */
export type Cpu = Record<string, number>
export type Report = {
  machine: { processor: string; cores: number; memoryGb: number; system: string; node: string; openSsh: string; files: string }
  command: string
  date: string
  seconds: number
  rounds: number
  mib: number
  figures: (Measured | Missing)[]
  /** CPU seconds per GB of a transfer: row, who, process. */
  cpu: Record<string, Record<string, Cpu>>
  /** Every sample, by row. */
  samples: Record<string, unknown>
}

const verdicts = { aim: 'reaches the aim', floor: 'within the floor', below: '**misses the floor**' } as const

/** One line per figure of the table, in its order; those of rows that were not run are left out. */
export function figureLines(figures: Report['figures']): string[] {
  const lines = figureRows.flatMap((row) => {
    const figure = figures.find(({ id }) => id === row.id)
    return figure ? [lineOf(row, figure)] : []
  })
  return ['| figure | measured | range of the rounds | ours | peer | floor | aim | |', '| --- | --- | --- | --- | --- | --- | --- | --- |', ...lines]
}

function lineOf(row: FigureRow, figure: Measured | Missing): string {
  const [floor, aim] = [row.floor, row.aim].map((mark) => inUnit(row, mark))
  const cells =
    'missing' in figure
      ? [row.what, '–', '–', '–', '–', floor, aim, figure.missing]
      : [row.what, inUnit(row, figure.value), rangeOf(figure), figure.ours, figure.theirs, floor, aim, verdicts[judge(row, figure.value)]]
  return `| ${cells.join(' | ')} |`
}

function inUnit({ unit }: FigureRow, value: number): string {
  return unit === 'ratio' ? short(value) : `${short(value)} ${unit}`
}

function rangeOf({ min, max, rounds }: Measured): string {
  return rounds > 1 ? `${short(min)} – ${short(max)} (${rounds})` : '–'
}

/** CPU seconds per GB, one line per transfer and party, the parts in the order of their cost. */
export function cpuLines(cpu: Report['cpu']): string[] {
  const lines = Object.entries(cpu).flatMap(([row, parties]) =>
    Object.entries(parties).map(([party, parts]) => {
      const total = Object.values(parts).reduce((sum, seconds) => sum + seconds, 0)
      const each = Object.entries(parts)
        .filter(([, seconds]) => seconds >= 0.005)
        .sort(([, a], [, b]) => b - a)
      return `| ${row} | ${party} | ${short(total)} | ${each.map(([name, seconds]) => `${name} ${short(seconds)}`).join(', ')} |`
    }),
  )
  return ['| transfer | who | CPU s/GB | by process |', '| --- | --- | --- | --- |', ...lines]
}

/** The part of `docs/performance.md` between its two marks. */
export function document({ machine, command, date, seconds, rounds, mib, figures, cpu }: Report): string {
  return [
    `\`${command}\` on ${date}, ${Math.round(seconds / 60)} minutes, ${rounds} rounds, files of ${mib} MiB on ${machine.files}.`,
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB, ${machine.system}; Node ${machine.node}, ${machine.openSsh}.`,
    '',
    ...figureLines(figures),
    '',
    ...cpuLines(cpu),
  ].join('\n')
}

export const marks = { begin: '<!-- measured: npm run bench -- --write -->', end: '<!-- end of what was measured -->' } as const

/** The page with its measured part in place of the old one. Throws when the marks are not there. */
export function withMeasured(page: string, measured: string): string {
  const begin = page.indexOf(marks.begin)
  const end = page.indexOf(marks.end)
  if (begin < 0 || end < begin) throw new Error('docs/performance.md has lost its marks')
  return `${page.slice(0, begin + marks.begin.length)}\n\n${measured}\n\n${page.slice(end)}`
}
