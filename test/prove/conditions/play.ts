import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Fault } from './fault-list.ts'

/** `node play.ts HISTORIES SEED [FAULT as JSON]`: plays histories on the sources, one of which has the fault; prints what came of it as JSON. */
const [histories, seed, text] = process.argv.slice(2)
const root = join(import.meta.dirname, '../../..')
if (text) plant(JSON.parse(text) as Fault)
const { openMainDesk } = await import('../../support/conditions/main-desk.ts')
const { playHistories } = await import('../../support/conditions/steps.ts')
const desk = await openMainDesk()
console.log(JSON.stringify(await playHistories(desk, { histories: Number(histories), seed: Number(seed) })))
await desk.close()

function plant({ what, file, find, put }: Fault): void {
  const url = pathToFileURL(join(root, file)).href
  const pieces = readFileSync(new URL(url), 'utf8').split(find)
  if (pieces.length !== 2) throw new Error(`"${what}": its text is ${pieces.length - 1} times in ${file}`)
  registerHooks({
    load: (asked, context, next) => {
      const loaded = next(asked, context)
      return asked === url ? { ...loaded, source: pieces.join(put) } : loaded
    },
  })
}
