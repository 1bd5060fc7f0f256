import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Of the whole product; the command line is not released apart from it. */
export function version(): string {
  const about = z.object({ version: z.string() })
  return about.parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version
}
