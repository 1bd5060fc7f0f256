import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Language } from '@gantry/shared/words/errors.ts'
import { panelEn } from '@gantry/shared/words/panel.en.ts'
import type { Page } from 'playwright'
import { passkeyScript } from '../../shared/passkey-script.ts'
import { openPanelPage } from '../support/panel-page.ts'
import { allScenes } from '../window/support/all-scenes.ts'
import { nowMs, session } from '../window/support/fixtures.ts'
import { buildPages, givePage, takePage } from '../window/support/open-window.ts'
import type { Scene } from '../window/support/scenes.ts'
import { openStage } from '../window/support/stage.ts'
import { drawn, type PageScene, pageScenes } from './page-scenes.ts'
import { type PanelScene, panelScenes } from './panel-scenes.ts'

export const sizes = { wide: { width: 1280, height: 800 }, narrow: { width: 720, height: 720 } }
export type Dressing = { theme: 'light' | 'dark' | 'contrast'; size: keyof typeof sizes }

/** A scene that is open in one language; `wear` shows it in other colours and another size. */
export type Sight = { page: Page; wear(dressing: Dressing): Promise<void>; close(): Promise<void> }
export type Subject = { name: string; of: keyof typeof scenes; isState: boolean; isNarrow: boolean; open(language: Language): Promise<Sight> }

const scenes = { window: allScenes, panel: panelScenes, page: pageScenes }

export const subjects: Subject[] = [
  ...Object.entries(allScenes).map(([name, scene]) => subject('window', name, scene, (language) => openInWindow(scene, language))),
  ...Object.entries(panelScenes).map(([name, scene]) => subject('panel', name, scene, (language) => openOnPanel(scene, language))),
  ...Object.entries(pageScenes).map(([name, scene]) => subject('page', name, scene, (language) => openAsPage(scene, language))),
]

function subject(of: Subject['of'], name: string, { isState = false, isNarrow = false }: Pick<Scene, 'isState' | 'isNarrow'>, open: Subject['open']): Subject {
  return { name, of, isState, isNarrow, open }
}

async function dress(page: Page, { theme, size }: Dressing): Promise<void> {
  await page.emulateMedia({
    colorScheme: theme === 'light' ? 'light' : 'dark',
    contrast: theme === 'contrast' ? 'more' : 'no-preference',
    reducedMotion: 'reduce',
  })
  await page.setViewportSize(sizes[size])
}

async function openInWindow(scene: Scene, language: Language): Promise<Sight> {
  const { page, close } = await openStage(scene, { language, theme: 'system', ...sizes[scene.isNarrow ? 'narrow' : 'wide'] })
  return { page, wear: (dressing) => dress(page, dressing), close }
}

/** The panel reads its colours once, as it is loaded, and starts in the language of its browser. */
async function openOnPanel({ state, output, act }: PanelScene, language: Language): Promise<Sight> {
  buildPages()
  const panel = await openPanelPage()
  const page = await takePage()
  await page.clock.setFixedTime(nowMs)
  const { requestId } = session
  return {
    page,
    async wear(dressing) {
      await dress(page, dressing)
      panel.show(state)
      await page.goto(panel.link())
      if (language === 'fr') await page.getByRole('button', { name: panelEn.otherLanguage }).click()
      if (output) panel.view.show({ type: 'output', requestId, terminal: 1, data: Buffer.from(output).toString('base64'), size: { columns: 80, rows: 24 } })
      await page.locator('.view').waitFor()
      await act?.(page, panel.show)
      // Pressed too soon an answer does not count, and is drawn so; without a code that is typed it settles.
      if ((await page.locator('.keypad').count()) === 0) await page.locator('.answer:disabled').first().waitFor({ state: 'detached' })
    },
    async close() {
      await givePage(page)
      await panel.close()
    },
  }
}

const served: Record<string, [file: string, type: string]> = {
  '/sign-in/style.css': ['style.css', 'text/css'],
  '/sign-in/icon.svg': ['icon.svg', 'image/svg+xml'],
}
const signIn = join(import.meta.dirname, '../../cloud/main-server/sign-in')

async function openAsPage(scene: PageScene, language: Language): Promise<Sight> {
  const page = await takePage()
  const address = 'https://gantry.example/'
  await page.route(`${address}**`, async (route) => {
    const file = served[new URL(route.request().url()).pathname]
    if (route.request().url().endsWith('/sign-in/passkey.js')) await route.fulfill({ body: passkeyScript, contentType: 'text/javascript' })
    else if (file) await route.fulfill({ body: await readFile(join(signIn, file[0])), contentType: file[1] })
    else await route.fulfill({ body: drawn(scene, language), contentType: 'text/html; charset=utf-8' })
  })
  await page.goto(address)
  return {
    page,
    wear: (dressing) => dress(page, dressing),
    async close() {
      await page.unroute(`${address}**`)
      await givePage(page)
    },
  }
}
