import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Prints which tests cite which requirement (`R041`, or a row `R051-R053`), from their titles and comments; one line each, sorted, so that it can be compared and kept.
 * With `--json` as an object. A citation belongs to the test it stands in or above.
 */
export type Citation = { requirement: string; file: string; title: string }

const testStart = /\b(?:test|it|describe)(?:\.\w+)*\s*(?:\([^'"`]*)?\(?\s*(['"`])((?:\\.|(?!\1).)*)\1/

export function citationsIn(file: string, source: string): Citation[] {
  const found: Citation[] = []
  let waiting: string[] = []
  let title = ''
  for (const line of source.split('\n')) {
    const started = testStart.exec(line)
    if (started) title = started[2] ?? ''
    const cited = requirementsIn(line)
    const isComment = /^\s*(\/\/|\/\*|\*)/.test(line)
    if (isComment) waiting.push(...cited)
    else if (started) {
      for (const requirement of new Set([...waiting, ...cited])) found.push({ requirement, file, title })
      waiting = []
    }
  }
  // A comment that no test follows speaks of the file.
  for (const requirement of new Set(waiting)) found.push({ requirement, file, title: title || file })
  return found
}

/** `R051-R053` stands for three. */
export function requirementsIn(text: string): string[] {
  return [...text.matchAll(/\bR(\d{3})(?:\s*-\s*R(\d{3}))?\b/g)].flatMap(([, first, last]) => {
    const from = Number(first)
    const to = last === undefined ? from : Number(last)
    return Array.from({ length: Math.max(0, Math.min(to - from, 200)) + 1 }, (_, index) => `R${String(from + index).padStart(3, '0')}`)
  })
}

if (import.meta.main) {
  process.chdir(join(import.meta.dirname, '..'))
  const files = globSync('**/*.test.{ts,tsx}', { exclude: (path) => path === 'node_modules' || path === 'out' }).sort()
  const all = files.flatMap((file) => citationsIn(file, readFileSync(file, 'utf8')))
  const byRequirement = Object.groupBy(all, ({ requirement }) => requirement)
  const sorted = Object.keys(byRequirement).sort()
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(Object.fromEntries(sorted.map((name) => [name, byRequirement[name]?.map(({ file, title }) => ({ file, title }))])), null, 2))
  } else {
    for (const name of sorted) for (const { file, title } of byRequirement[name] ?? []) console.log(`${name}  ${file}  ${title}`)
    console.error(`${sorted.length} requirements cited by ${files.length} test files`)
  }
}
