import { addressText } from '@gantry/shared/allow-list.ts'
import type { PanelInput } from '@gantry/shared/panel.ts'
import { type CheckedHost, findingsOf, hostPasses, type Passport } from '@gantry/shared/passport.ts'
import type { PanelWords } from '@gantry/shared/words/panel.en.ts'
import type { PassportWords } from '@gantry/shared/words/passport.en.ts'
import { button, element, icon } from './elements.ts'
import type { Part } from './request-view.ts'
import { readable } from './view.ts'

/** The firewall passport on the panel: what passes, host by host, while it is being found out, and one sentence to pass on for each that does not. */
export function createCheckPart(words: PanelWords, passportWords: PassportWords, press: (input: PanelInput) => void): Part {
  const title = element('h1', { live: 'polite' })
  const text = element('p', { class: 'text' })
  const rows = element('ul', { class: 'checks', scrolls: true })
  const answers = element('div', { class: 'check-answers' })
  const body = element('div', { class: 'body checked' }, element('div', {}, title, text), rows)
  const foot = element('div', { class: 'foot rest' }, element('p', { class: 'hint' }, words.check.hint), answers)
  const stop = (label: string) => button({ class: 'check-start' }, () => press({ type: 'check', run: false }), label)
  const again = () => button({ class: 'check-start' }, () => press({ type: 'check', run: true }), words.check.again)
  let drawn = ''
  return {
    element: element('section', { class: 'view' }, body, foot),
    update(view) {
      if (view.name !== 'check') return
      const { passport } = view
      const key = JSON.stringify(passport)
      if (key === drawn) return
      drawn = key
      const said = passportWords.verdict[passport.verdict]
      title.textContent = said.short
      text.textContent = said.text
      rows.replaceChildren(
        ...passport.hosts.filter(({ needed }) => needed).map((host) => hostRow(host, passportWords)),
        clockRow(passport, words, passportWords),
      )
      const running = passport.verdict === 'running'
      if (answers.dataset.running === String(running)) return
      answers.dataset.running = String(running)
      answers.replaceChildren(...(running ? [stop(words.check.cancel)] : [again(), stop(words.check.done)]))
    },
  }
}

function hostRow(host: CheckedHost, words: PassportWords): HTMLElement {
  const [finding] = findingsOf({ hosts: [host] })
  const waiting = host.hops.some(({ verdict }) => verdict === 'waiting')
  const state = finding ? 'bad' : waiting ? 'waits' : hostPasses(host) ? 'good' : 'waits'
  const place = [words.purpose[host.purpose], host.site].filter(Boolean).join(', ')
  const hops = host.hops.map(({ hop, verdict }) => `${words.hops[hop]} ${words.results[verdict]}`).join(' · ')
  const told = finding ? words.trouble[finding.trouble.code](finding.trouble.details) : null
  return element(
    'li',
    { class: `one ${state}` },
    icon(state === 'good' ? 'check' : state === 'bad' ? 'x' : 'circle-alert'),
    element('b', {}, addressText(host)),
    element('span', { class: 'place' }, readable(place)),
    element('span', { class: 'small' }, hops),
    told ? element('p', { class: 'ask' }, readable(told.ask)) : null,
  )
}

function clockRow({ clock }: Passport, words: PanelWords, { clock: said, results }: PassportWords): HTMLElement {
  const { verdict, offsetSeconds } = clock
  const state = verdict === 'passes' ? 'good' : verdict === 'fails' ? 'bad' : 'waits'
  const unknown = verdict === 'waiting' ? results.waiting : said.unknown
  const text = offsetSeconds === null ? unknown : verdict === 'fails' ? said.off(offsetSeconds) : said.fits(offsetSeconds)
  return element(
    'li',
    { class: `one ${state}` },
    icon(state === 'good' ? 'check' : state === 'bad' ? 'x' : 'circle-alert'),
    element('b', {}, words.check.clock),
    element('span', { class: 'small' }, text),
    verdict === 'fails' ? element('p', { class: 'ask' }, said.ask) : null,
  )
}
