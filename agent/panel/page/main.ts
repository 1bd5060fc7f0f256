import './no-eval.ts'
import '@fontsource-variable/inter'
import '@fontsource-variable/jetbrains-mono'
import './panel.css'
import './request.css'
import './session.css'
import './check.css'
import type { PanelInput, PanelState } from '@gantry/shared/panel.ts'
import { type PanelWords, panelEn } from '@gantry/shared/words/panel.en.ts'
import { panelFr } from '@gantry/shared/words/panel.fr.ts'
import { passportEn } from '@gantry/shared/words/passport.en.ts'
import { passportFr } from '@gantry/shared/words/passport.fr.ts'
import { createCheckPart } from './check-view.ts'
import { button, element, mark } from './elements.ts'
import { createLivePart, endButton } from './live-view.ts'
import { createMirror } from './mirror.ts'
import { createRequestPart, type Part } from './request-view.ts'
import { createEndedPart, createIdlePart } from './rest-view.ts'
import { openPanelSocket } from './socket.ts'
import { readable, type View, viewKey, viewOf } from './view.ts'

/** The front panel's screen. It holds no more than the last state it was sent, and decides nothing but what was pressed. */
type Language = 'en' | 'fr'
const words: Record<Language, PanelWords> = { en: panelEn, fr: panelFr }
const passportWords = { en: passportEn, fr: passportFr }
const root = document.querySelector('#panel') ?? document.body

const mirror = createMirror()
let state: PanelState = {
  device: null,
  agent: 'absent',
  separated: true,
  network: 'none',
  clockOffSeconds: 0,
  connectivity: 'waiting',
  policy: null,
  waiting: [],
  sessions: [],
  last: null,
  check: null,
}
let connected = false
let dismissedMs = 0
let language: Language = document.documentElement.lang.startsWith('fr') || navigator.language.startsWith('fr') ? 'fr' : 'en'
let drawn = ''
let part: Part | null = null

const socket = openPanelSocket({
  onScreen(screen) {
    if (screen.type === 'output') return mirror.write(screen)
    state = screen.state
    mirror.keep(state.sessions.map((session) => session.requestId))
    draw()
  },
  onConnected(now) {
    connected = now
    draw()
  },
})
const press = (input: PanelInput) => socket.send(input)

function draw(): void {
  const nowMs = Date.now()
  const view = viewOf(state, { connected, nowMs, dismissedMs })
  const { device, separated, network, clockOffSeconds, policy } = state
  const key = JSON.stringify([language, viewKey(view), device, separated, network, clockOffSeconds, policy])
  if (key !== drawn) {
    drawn = key
    part = createPart(view)
    document.documentElement.lang = language === 'fr' ? 'fr-CA' : 'en'
    document.title = words[language].title[view.name]
    root.replaceChildren(header(view), part.element)
  }
  part?.update(view, nowMs)
}

function createPart(view: View): Part {
  const spoken = words[language]
  switch (view.name) {
    case 'request':
      return createRequestPart(view, spoken, press)
    case 'live':
      return createLivePart(view, spoken, { press, mirror })
    case 'ended':
      return createEndedPart(view, spoken, () => {
        dismissedMs = Date.now()
        draw()
      })
    case 'check':
      return createCheckPart(spoken, passportWords[language], press)
    case 'idle':
      return createIdlePart(view, spoken, { ...state, press })
  }
}

/** End stays in reach also while another request is on the screen. */
function header(view: View): HTMLElement {
  const spoken = words[language]
  const { device } = state
  const live = view.name === 'live' || (view.name === 'request' && view.live.length > 0)
  const asking = view.name === 'request' && live
  return element(
    'header',
    { class: live ? 'top on' : 'top' },
    mark(),
    // The other views have a heading of their own.
    element(view.name === 'live' ? 'h1' : 'b', {}, asking ? spoken.request.sessionOn : spoken.title[view.name]),
    asking ? endButton(spoken, press, () => state.sessions) : null,
    element('span', { class: 'grow' }),
    device ? element('span', { class: 'device' }, readable(device.name), element('span', { class: 'model' }, readable(device.model))) : null,
    button({ class: 'language' }, switchLanguage, spoken.otherLanguage),
  )
}

function switchLanguage(): void {
  language = language === 'en' ? 'fr' : 'en'
  draw()
}

document.documentElement.dataset.theme = matchMedia('(prefers-contrast: more)').matches
  ? 'contrast'
  : matchMedia('(prefers-color-scheme: dark)').matches
    ? 'dark'
    : 'light'
draw()
setInterval(draw, 250)
