import { EndCause } from '@gantry/shared/access-request.ts'
import type { PanelState } from '@gantry/shared/panel.ts'
import type { PanelWords } from '@gantry/shared/words/panel.en.ts'
import { button, element, icon } from './elements.ts'
import type { Part } from './request-view.ts'
import { readable, type View } from './view.ts'

type EndedView = Extract<View, { name: 'ended' }>
type IdleView = Extract<View, { name: 'idle' }>

export function createEndedPart({ last }: EndedView, words: PanelWords, onDone: () => void): Part {
  const { title, text } = closingWords(last.outcome, readable(last.specialist), words)
  const body = element('div', { class: 'body rests' }, element('h1', { live: 'polite' }, title), element('p', { class: 'text' }, text))
  const done = button({ class: 'answer plain' }, onDone, words.ended.done)
  const foot = element('div', { class: 'foot ends' }, element('span', {}), element('p', { class: 'hint' }, words.ended.yours), done)
  return { element: element('section', { class: 'view' }, body, foot), update: () => {} }
}

/** How a request or a session ended; an outcome that this page does not know yet is told as an end all the same. */
function closingWords(outcome: string, name: string, words: PanelWords): { title: string; text: string } {
  const { approved, refused, cancelled, 'no-answer': noAnswer, 'code-wrong': codeWrong } = words.ended
  const answers = new Map(Object.entries({ approved, refused, cancelled, 'no-answer': noAnswer, 'code-wrong': codeWrong }))
  const answer = answers.get(outcome)
  if (answer) return answer(name)
  const cause = EndCause.safeParse(outcome)
  return { title: words.cause[cause.success ? cause.data : 'connection-lost'](name), text: words.ended.session(name) }
}

type IdleWith = Pick<PanelState, 'device' | 'separated' | 'network'> & { onCheck: () => void }

/** What this is, and who may come (R119). */
export function createIdlePart({ reason }: IdleView, words: PanelWords, { device, separated, network, onCheck }: IdleWith): Part {
  const { idle } = words
  const fact = (name: string, value: string) => [element('dt', {}, name), element('dd', {}, readable(value))]
  const facts = device ? [...fact(idle.device, device.name), ...fact(idle.model, device.model), ...fact(idle.place, `${device.site}, ${device.customer}`)] : []
  const body = element(
    'div',
    { class: 'body rests' },
    element('div', {}, element('h1', { live: 'polite' }, idle[reason]), element('p', { class: 'text' }, idle[`${reason}Text`])),
    element('dl', {}, ...facts),
  )
  const missing = separated ? (network === 'open' ? words.networkOpen : null) : words.separationMissing
  const notice = missing === null ? null : element('p', { class: 'notice' }, icon('circle-alert'), missing)
  const mayCheck = reason !== 'off' && reason !== 'absent'
  const check = mayCheck ? button({ class: 'check-start' }, onCheck, words.check.start) : null
  const said = element('div', { class: 'said' }, element('p', { class: 'hint' }, idle.whoMay), notice)
  const foot = element('div', { class: 'foot rest' }, said, check)
  return { element: element('section', { class: 'view' }, body, foot), update: () => {} }
}
