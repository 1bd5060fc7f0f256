import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright'
import { closeBrowser } from '../window/support/open-window.ts'
import { type Scene, screenScenes } from '../window/support/scenes.ts'
import { sessionScenes } from '../window/support/session-scenes.ts'
import { faultsOf, openStage, spillsOf } from '../window/support/stage.ts'
import { indexOf, type Picture } from './pictures.ts'

/** `npm run screens [-- --only NAME] [--to FOLDER] [--pictures] [--png NAME]`: every screen in every state photographed in every dress, and looked over by axe (not with
 * `--pictures`). Exits with 1 when anything is found. */
const { values } = parseArgs({
  options: { only: { type: 'string' }, to: { type: 'string' }, png: { type: 'string' }, pictures: { type: 'boolean', default: false } },
})
const folder = values.to ?? join(import.meta.dirname, '../../docs/screens')
const wide = { width: 1280, height: 800 }
const narrow = { width: 720, height: 720 }
type Dressing = { theme: 'light' | 'dark' | 'contrast'; size: typeof wide; dress?: Picture['dress'] }
/** Both languages in all themes; the French window is narrow in two of them. */
const looks: Record<'en' | 'fr', Dressing[]> = {
  en: [
    { theme: 'light', size: wide, dress: 'light' },
    { theme: 'dark', size: wide, dress: 'dark' },
    { theme: 'contrast', size: wide, dress: 'contrast' },
  ],
  fr: [
    { theme: 'light', size: wide, dress: 'french' },
    { theme: 'dark', size: narrow, dress: 'narrow' },
    { theme: 'contrast', size: narrow },
  ],
}
const scenes = Object.entries({ ...screenScenes, ...sessionScenes }).filter(([name]) => !values.only || new RegExp(values.only).test(name))
const pictures: Picture[] = []
const found: string[] = []
const known = new Set<string>()

await mkdir(folder, { recursive: true })
if (!values.only) for (const name of await readdir(folder)) if (/\.(webp|png)$/.test(name)) await rm(join(folder, name))
// Four at a time: while one waits for its services another is drawn.
const waiting = scenes.values()
await Promise.all(
  [0, 1, 2, 3].map(async () => {
    for (const [name, scene] of waiting) await photograph(name, scene)
  }),
)
await closeBrowser()
if (!values.only)
  await writeFile(
    join(folder, 'README.md'),
    indexOf(
      scenes.map(([name]) => name),
      pictures,
    ),
  )
console.log(`${pictures.length} pictures of ${scenes.length} screens in ${folder}; ${found.length} faults`)
process.exit(found.length > 0 ? 1 : 0)

async function photograph(name: string, scene: Scene): Promise<void> {
  for (const language of ['en', 'fr'] as const) {
    try {
      const stage = await openStage(scene, { language, theme: 'system', ...wide })
      const { page } = stage
      for (const { theme, size, dress } of looks[language]) {
        await page.emulateMedia({ colorScheme: theme === 'light' ? 'light' : 'dark', contrast: theme === 'contrast' ? 'more' : 'no-preference' })
        await page.setViewportSize(size)
        await inspect(page, `${name} ${language} ${theme} ${size.width}`)
        if (dress) await keep(page, name, dress)
      }
      await stage.close()
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
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
  for (const fault of [...(values.pictures ? [] : await faultsOf(page)), ...(await spillsOf(page)).map((what) => `cut off: ${what}`)])
    report(`${where}: ${fault}`)
}

async function keep(page: Page, scene: string, dress: Picture['dress']): Promise<void> {
  const file = `${scene}-${dress}.webp`
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 })
  await session.detach()
  await writeFile(join(folder, file), Buffer.from(data, 'base64'))
  if (values.png && new RegExp(values.png).test(`${scene}-${dress}`)) await page.screenshot({ path: join(folder, `${scene}-${dress}.png`) })
  pictures.push({ scene, dress, file })
}
