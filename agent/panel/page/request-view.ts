import type { PanelInput, PanelRequest } from '@gantry/shared/panel.ts'
import type { PanelWords } from '@gantry/shared/words/panel.en.ts'
import { button, element, icon } from './elements.ts'
import { bytesText, countdown, countryName, readable, type View } from './view.ts'

/** A part of the screen: drawn once per question or session, then told what changed. */
export type Part = { element: HTMLElement; update(view: View, nowMs: number): void }
export type Press = (input: PanelInput) => void

const codeLength = 6
/** A question that comes up under a finger must not be answered by it. ms */
const settleMs = 600

type RequestView = Extract<View, { name: 'request' }>

export function createRequestPart(first: RequestView, words: PanelWords, press: Press): Part {
  const { request } = first
  const keypad = request.code === null ? createKeypad(request, words, () => update(latest)) : null
  const answer = (allow: boolean) => press({ type: 'answer', requestId: request.requestId, allow, code: allow && keypad ? keypad.typed() : null })
  const refuse = button({ class: 'answer no' }, () => answer(false), icon('x'), words.request.refuse)
  const allow = button({ class: 'answer yes' }, () => answer(true), icon('check'), words.request.allow)
  const left = element('b', { class: 'left-time' })
  const more = element('p', { class: 'small' })
  const drawnMs = performance.now()
  let latest = first

  const update = (view: RequestView) => {
    latest = view
    const settled = performance.now() - drawnMs >= settleMs
    refuse.disabled = !settled
    allow.disabled = !settled || (keypad !== null && keypad.typed().length < codeLength)
    more.textContent = view.more > 0 ? words.request.more(view.more) : ''
    keypad?.update(view.request)
  }
  setTimeout(() => update(latest), settleMs)
  const main = element(
    'div',
    { class: keypad ? 'body asks typed' : 'body asks' },
    describe(request, words, more),
    keypad?.element ?? showCode(request.code ?? '', words),
  )
  const foot = element(
    'div',
    { class: 'foot answers' },
    refuse,
    element('div', { class: 'left centre' }, left, element('span', {}, words.request.thenRefused)),
    allow,
  )
  return {
    element: element('section', { class: 'view' }, main, foot),
    update(view, nowMs) {
      if (view.name !== 'request') return
      left.textContent = countdown(view.request.answerBeforeMs, nowMs)
      update(view)
    },
  }
}

/** Who, from where, why, what, how long (R119). */
function describe(request: PanelRequest, words: PanelWords, more: HTMLElement): HTMLElement {
  const { specialist, employer, country, reason, access, serviceKind, minutes, maxBytes, caseId } = request
  const from = words.request.from(readable(employer), countryName(country, words.locale))
  const fact = (name: string, value: string) => [element('dt', {}, name), element('dd', {}, value)]
  return element(
    'div',
    { class: 'who', scrolls: true },
    element('h1', { live: 'assertive' }, readable(specialist)),
    element('p', { class: 'asking' }, words.request.asks),
    element('p', { class: 'from' }, from, element('span', { class: 'verified' }, icon('badge-check'), words.request.verified)),
    more,
    element(
      'dl',
      {},
      ...fact(words.request.why, readable(reason)),
      ...fact(words.request.may, `${words.access[access]} (${words.kind[serviceKind]})`),
      ...fact(words.request.time, words.request.minutes(minutes, readable(caseId))),
      ...(maxBytes === null ? [] : fact(words.request.amount, words.request.atMost(bytesText(maxBytes, words.bytes, words.locale)))),
    ),
  )
}

function showCode(code: string, words: PanelWords): HTMLElement {
  const halves = [code.slice(0, 3), code.slice(3)]
  return element(
    'div',
    { class: 'side code' },
    element('p', { class: 'question' }, words.request.sayNumber),
    element('p', { class: 'digits', label: halves.join(' '), role: 'img' }, ...halves.map((half) => element('span', {}, half))),
    element('p', { class: 'small' }, words.request.elseRefuse),
  )
}

type Keypad = { element: HTMLElement; typed(): string; update(request: PanelRequest): void }

/** Twelve keys of 120 px. The panel does not know the code: whoever types it has heard it from the specialist. */
function createKeypad({ specialist, triesLeft }: PanelRequest, words: PanelWords, onChange: () => void): Keypad {
  let typed = ''
  let tries = triesLeft
  const shown = element('p', { class: 'typed-code', live: 'polite' })
  const note = element('p', { class: 'question', live: 'assertive' }, words.request.typeCode(readable(specialist)))
  const set = (next: string) => {
    typed = next.slice(0, codeLength)
    shown.textContent = `${typed.slice(0, 3).padEnd(3, '·')} ${typed.slice(3).padEnd(3, '·')}`
    onChange()
  }
  const digit = (value: string) => button({ class: 'key' }, () => set(typed + value), value)
  const erase = button({ class: 'key', label: words.request.erase }, () => set(typed.slice(0, -1)), icon('delete'))
  const clear = button({ class: 'key', label: words.request.clear }, () => set(''), 'C')
  const keys = element('div', { class: 'keys' }, ...'123'.split('').map(digit), erase, ...'456'.split('').map(digit), clear, ...'7890'.split('').map(digit))
  shown.textContent = '··· ···'
  return {
    element: element('div', { class: 'side keypad' }, note, shown, keys),
    typed: () => typed,
    update(request) {
      if (request.triesLeft >= tries) return
      tries = request.triesLeft
      note.textContent = words.request.triesLeft(tries)
      note.classList.add('warn')
      set('')
    },
  }
}
