import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright'
import { closeBrowser } from '../window/support/open-window.ts'
import { faultsOf, spillsOf } from '../window/support/stage.ts'
import { type Dress, dresses, fileOf, indexOf, isKept } from './pictures.ts'
import { type Dressing, type Subject, subjects } from './sights.ts'

/** `npm run screens [-- --only NAME] [--to FOLDER] [--pictures] [--all]`: every screen in every state in every dress, looked over by axe (not with `--pictures`) and photographed
 * (the states of a screen in two dresses, with `--all` in all). Exits with 1 when anything is found. */
const { values } = parseArgs({
  options: { only: { type: 'string' }, to: { type: 'string' }, pictures: { type: 'boolean', default: false }, all: { type: 'boolean', default: false } },
})
const folder = values.to ?? join(import.meta.dirname, '../../docs/screens')
/** Both languages in all themes; the French window is narrow in two of them. */
const looks: Record<'en' | 'fr', (Dressing & { dress?: Dress })[]> = {
  en: [
    { theme: 'light', size: 'wide', dress: 'light' },
    { theme: 'dark', size: 'wide', dress: 'dark' },
    { theme: 'contrast', size: 'wide', dress: 'contrast' },
  ],
  fr: [
    { theme: 'light', size: 'wide', dress: 'french' },
    { theme: 'dark', size: 'narrow', dress: 'narrow' },
    { theme: 'contrast', size: 'narrow' },
  ],
}
const chosen = subjects.filter(({ name }) => !values.only || new RegExp(values.only).test(name))
let pictures = 0
const found: string[] = []
const known = new Set<string>()

await mkdir(folder, { recursive: true })
// Four at a time: while one waits for its services another is drawn.
const waiting = chosen.values()
await Promise.all(
  [0, 1, 2, 3].map(async () => {
    for (const subject of waiting) await photograph(subject)
  }),
)
await closeBrowser()
const expected = subjects.flatMap((subject) => dresses.filter((dress) => values.all || isKept(subject, dress)).map((dress) => fileOf(subject.name, dress)))
for (const file of await readdir(folder)) if (/\.(webp|png)$/.test(file) && !expected.includes(file)) await rm(join(folder, file))
await writeFile(join(folder, 'README.md'), indexOf(subjects, await readdir(folder)))
console.log(`${pictures} pictures of ${chosen.length} screens in ${folder}; ${found.length} faults`)
process.exit(found.length > 0 ? 1 : 0)

async function photograph(subject: Subject): Promise<void> {
  const { name, isNarrow, isState } = subject
  for (const language of ['en', 'fr'] as const) {
    try {
      const sight = await subject.open(language)
      for (const { dress, theme, size } of looks[language]) {
        // Of a state each language and each theme once.
        if (!values.all && isState && (!dress || (!isKept(subject, dress) && dress !== 'contrast'))) continue
        const dressing = { theme, size: isNarrow ? ('narrow' as const) : size }
        await sight.wear(dressing)
        await inspect(sight.page, `${name} ${language} ${theme} ${dressing.size}`)
        if (dress && (values.all || isKept(subject, dress))) await keep(sight.page, name, dress)
      }
      await sight.close()
    } catch (error) {
      report(`${name} ${language}: ${String(error).split('\n').slice(0, 3).join(' ')}`)
    }
  }
}

/** Each fault of a screen once, under the first dress that shows it. */
function report(fault: string): void {
  const [, scene = '', what = ''] = /^(\S+)[^:]*: (.*)/.exec(fault.replace(/#mantine-\w+/g, '#…')) ?? []
  if (known.has(scene + what)) return
  known.add(scene + what)
  found.push(fault)
  console.error(fault)
}

async function inspect(page: Page, where: string): Promise<void> {
  // Colours of a theme come with a transition of at most 160 ms; with reduced motion at the next frame.
  await page.evaluate('document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done()))))')
  for (const fault of [...(values.pictures ? [] : await faultsOf(page)), ...(await spillsOf(page)).map((what) => `cut off: ${what}`)])
    report(`${where}: ${fault}`)
}

async function keep(page: Page, scene: string, dress: Dress): Promise<void> {
  const file = fileOf(scene, dress)
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 })
  await session.detach()
  await writeFile(join(folder, file), Buffer.from(data, 'base64'))
  pictures += 1
}
