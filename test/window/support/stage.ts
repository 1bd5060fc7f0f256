import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Language } from '@gantry/shared/words/errors.ts'
import { windowWords } from '@gantry/shared/words/window.ts'
import type { Page } from 'playwright'
import { type Look, openWindow } from './open-window.ts'
import type { Scene, Stage } from './scenes.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** WCAG 2.2 AA and what axe holds good practice beside it. */
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export async function openStage({ script, act, shows }: Scene, look: Look & { language: Language }): Promise<Stage> {
  const words = windowWords[look.language]
  const stage = { ...(await openWindow(script, { theme: 'light', ...look })), words }
  await act?.(stage)
  // Where the pointer was left a tooltip would lie over what is looked at.
  await stage.page.mouse.move(0, 0)
  await stage.page.getByText(shows(words)).filter({ visible: true }).first().waitFor()
  return stage
}

/** What axe finds on the page as it stands: rule, element and why, one line each. */
export async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(`axe.run(document, { preload: false, resultTypes: ['violations'], runOnly: ${JSON.stringify(tags)} }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes
      // A menu floats at the end of the page and belongs to its button, which is in a landmark.
      .filter(({ target }) => id !== 'region' || !String(target).includes('data-portal'))
      // The sandbox shows the code of its own authenticator, and the page loads itself again for the next one; outside of it no page does.
      .filter(() => id !== 'meta-refresh' || !document.querySelector('.sandbox'))
      .map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ': ' + failureSummary.replace(/\\s+/g, ' '))))`)
}

/** What is cut off without a way to it, or stands out of its box: a picture shows it only to who looks. */
export async function spillsOf(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('button, h1, h2, h3, label, .chip, .tag, dt, dd, p')].filter((one) => {
    if (one.closest('.xterm, .sr, [hidden]') || one.classList.contains('cut') || one.querySelector('.cut')) return false
    const box = one.getBoundingClientRect()
    if (box.width === 0 || box.height === 0 || getComputedStyle(one).visibility === 'hidden') return false
    return one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0 && getComputedStyle(one).display !== 'inline'
  }).map((one) => one.tagName.toLowerCase() + '.' + one.className + ': ' + one.textContent.slice(0, 60))`)
}
