import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stream } from './cases.ts'
import { cell, colourOf, type Screen } from './screen.ts'

type Told = [text: string, look: [bold: number, italic: number, underline: number, inverse: number, foreground: string, background: string]][][]

/** In the order of the streams; where pyte broke on one, how. */
export function pyteScreens(streams: readonly Stream[], folder: string): (Screen | string)[] {
  const input = streams.map(({ octets, columns, rows }, at) => {
    const file = join(folder, `pyte-${at}`)
    writeFileSync(file, octets)
    return [columns, rows, file]
  })
  const run = spawnSync('/usr/bin/python3', [join(import.meta.dirname, 'pyte_screens.py')], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 1_000_000_000,
  })
  if (run.status !== 0) throw new Error(`pyte: ${run.stderr.slice(-300)}`)
  return run.stdout
    .trim()
    .split('\n')
    .map((line) => screenOf(JSON.parse(line) as Told | string))
}

function screenOf(told: Told | string): Screen | string {
  if (typeof told === 'string') return told
  return told.map((row) =>
    row.map(([text, [bold, italic, underline, inverse, foreground, background]]) =>
      cell(text, {
        ...{ bold: bold !== 0, italic: italic !== 0, underline: underline !== 0, inverse: inverse !== 0 },
        ...{ foreground: colourOf(foreground), background: colourOf(background) },
      }),
    ),
  )
}
