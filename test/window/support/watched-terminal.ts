import { drawLimits } from '../../../main/services/sessions/terminal.ts'
import { allowedAnswers, decoded } from '../../support/hostile-terminal/corpus.ts'
import { events, localFiles, remoteFiles, session } from './fixtures.ts'
import { type Look, openWindow, type Script, type TestWindow } from './open-window.ts'

/** The window's terminal with a watch on every way out of it. */
export type Watched = {
  window: TestWindow
  /** Returns when all of it was drawn. */
  print(octets: string | Uint8Array): Promise<void>
  /** Returns when the main process would let a device that floods go on. */
  feed(octets: string | Uint8Array): Promise<void>
  /** What left the terminal since the last look, beside allowed answers; empty when nothing did. */
  breaches(): Promise<string[]>
  /** By the button, as a person would. */
  reset(): Promise<void>
  /** Whether text, line drawing, tabs, wrapping, the cursor and the keys are as in a new terminal; what is wrong otherwise. */
  looksRestored(): Promise<string>
  close(): Promise<void>
}

const mine = 'what the person copied'
/** A terminal that draws nothing for so long draws no more. */
const stuckMs = 120_000

/** Each function by which a page reaches its surroundings tells that it was called, and is not called. */
const watch = `(() => {
  window.reached = []
  const tell = (name) => (...given) => { window.reached.push(name + '(' + given.map(String).join(', ').slice(0, 80) + ')'); return Promise.resolve() }
  for (const name of ['read', 'readText', 'write', 'writeText']) {
    window['own_' + name] = navigator.clipboard[name].bind(navigator.clipboard)
    navigator.clipboard[name] = tell('clipboard.' + name)
  }
  document.execCommand = tell('execCommand')
  window.open = tell('open')
  window.print = tell('print')
  window.Notification = tell('Notification')
  window.AudioContext = tell('AudioContext')
  navigator.vibrate = tell('vibrate')
  navigator.share = tell('share')
  HTMLAnchorElement.prototype.click = tell('a.click')
  HTMLMediaElement.prototype.play = tell('play')
  for (const name of ['moveTo', 'moveBy', 'resizeTo', 'resizeBy', 'focus', 'blur', 'close']) window[name] = tell(name)
  new MutationObserver(() => document.querySelector('title')?.textContent !== 'Gantry' && window.reached.push('title ' + document.title))
    .observe(document.head, { subtree: true, childList: true, characterData: true })
  return window.own_writeText(${JSON.stringify(mine)})
})()`

/** What was caught, the title, the address, and whether a pointer finds a link. */
const lookOver = `(() => {
  const found = window.reached.splice(0)
  if (document.title !== 'Gantry') found.push('title ' + document.title)
  for (const link of document.querySelectorAll('.term a, .xterm-cursor-pointer')) found.push('link ' + link.outerHTML)
  return found
})()`

export async function openWatched(look: Look = {}): Promise<Watched> {
  let drawn = 0
  let sent = 0
  let answers = ''
  let told = () => {}
  const script: Script = {
    'session.list': () => ({ sessions: [session] }),
    'session.activity': () => ({ events, verified: true }),
    'local.list': () => localFiles,
    'remote.list': () => remoteFiles,
    'terminal.drawn': ({ characters }) => {
      drawn += characters
      told()
      return {}
    },
    'terminal.write': ({ data }) => {
      answers += data
      return {}
    },
  }
  const window = await openWindow(script, look)
  const { page, errors, tell } = window
  const outside: string[] = []
  const home = new URL(page.url()).origin
  page.on('popup', (popup) => outside.push(`popup ${popup.url()}`))
  page.on('download', (download) => outside.push(`download ${download.url()}`))
  page.on('request', (request) => new URL(request.url()).origin !== home && outside.push(`request ${request.url()}`))
  page.on('crash', () => outside.push('crash'))
  page.on('dialog', (dialog) => {
    outside.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  await page.getByRole('button', { name: 'Sessions' }).first().click()
  await page.locator('.xterm-rows').waitFor()
  await page.evaluate(watch)

  const drain = (undrawn: number) =>
    new Promise<void>((resolve, reject) => {
      const stuck = setTimeout(() => reject(new Error(`${sent - drawn} characters are not drawn: ${errors.join('; ')}`)), stuckMs)
      told = () => {
        if (sent - drawn > undrawn) return
        told = () => {}
        clearTimeout(stuck)
        resolve()
      }
      told()
    })
  const send = (octets: string | Uint8Array, undrawn: number) => {
    const data = decoded(octets)
    sent += data.length
    tell('terminal.data', { terminalId: 'term-1', data })
    return drain(undrawn)
  }
  const print = (octets: string | Uint8Array) => send(octets, 0)
  return {
    window,
    print,
    feed: (octets) => send(octets, drawLimits.resumeBelow - 1),
    async breaches() {
      const found = [...outside.splice(0), ...errors.splice(0), ...((await page.evaluate(lookOver)) as string[])]
      if (!allowedAnswers.test(answers)) found.push(`answer ${JSON.stringify(answers.slice(0, 200))}`)
      answers = ''
      return found
    },
    reset: () => page.evaluate(`document.querySelector('[aria-label^="Reset the display"]').click()`),
    async looksRestored() {
      await print(`qx\t|${'w'.repeat(400)}\r\nend`)
      answers = ''
      await page.keyboard.press('ArrowUp')
      const seen = (await page.evaluate(`new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve({
        rows: [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.trimEnd()),
        cursor: document.querySelectorAll('.xterm-rows .xterm-cursor').length,
        mouse: document.querySelectorAll('.enable-mouse-events').length,
      }))))`)) as { rows: string[]; cursor: number; mouse: number }
      const keys = answers
      answers = ''
      const [first = '', ...rest] = seen.rows
      const isWrapped = first.startsWith('qx      |www') && rest.join('').replace(/[^w]/g, '').length + first.length - 9 === 400
      if (!isWrapped || !seen.rows.includes('end')) return `rows ${JSON.stringify(seen.rows.slice(0, 5))}`
      if (seen.cursor !== 1 || seen.mouse !== 0) return `cursors ${seen.cursor}, mouse ${seen.mouse}`
      if (keys !== '\u001b[A') return `arrow up is ${JSON.stringify(keys)}`
      return 'restored'
    },
    async close() {
      await page.evaluate('window.close = () => undefined').catch(() => undefined)
      await window.close()
    },
  }
}
