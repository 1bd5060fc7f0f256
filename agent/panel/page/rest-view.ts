import { EndCause } from '@gantry/shared/access-request.ts'
import type { PanelState } from '@gantry/shared/panel.ts'
import type { PanelWords } from '@gantry/shared/words/panel.en.ts'
import { button, element, icon } from './elements.ts'
import type { Part, Press } from './request-view.ts'
import { readable, type View } from './view.ts'

type EndedView = Extract<View, { name: 'ended' }>
type IdleView = Extract<View, { name: 'idle' }>

export function createEndedPart({ last }: EndedView, words: PanelWords, onDone: () => void): Part {
  const { title, text } = closingWords(last.outcome, readable(last.specialist), words)
  const body = element(
    'div',
    { class: 'body rests', scrolls: true },
    element('div', { class: 'said' }, element('h1', { live: 'polite' }, title), element('p', { class: 'text' }, text)),
  )
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

type IdleWith = Pick<PanelState, 'device' | 'separated' | 'network' | 'clockOffSeconds' | 'policy'> & { press: Press }

/** What this is, who may come (R119), by which rules, and the switch. */
export function createIdlePart({ reason }: IdleView, words: PanelWords, { device, separated, network, clockOffSeconds, policy, press }: IdleWith): Part {
  const { idle } = words
  const fact = (name: string, value: string) => [element('dt', {}, name), element('dd', {}, readable(value))]
  const rules = policy?.from === 'defaults' ? idle.rulesDefault : policy?.from === 'file' ? idle.rulesOf(policy.serial, policy.owner ?? '') : null
  const facts = device ? [...fact(idle.device, device.name), ...fact(idle.model, device.model), ...fact(idle.place, `${device.site}, ${device.customer}`)] : []
  const text = reason === 'closed' && policy?.fault ? `${idle.closedText} ${words.fault[policy.fault]}` : idle[`${reason}Text`]
  const missing = separated ? (network === 'open' ? words.networkOpen : null) : words.separationMissing
  const notices = [clockOffSeconds === 0 ? null : idle.clockOff(clockOffSeconds), missing]
  const body = element(
    'div',
    { class: 'body rests', scrolls: true },
    element('div', { class: 'said' }, element('h1', { live: 'polite' }, idle[reason]), element('p', { class: 'text' }, text), ...notices.map(createNotice)),
    element('dl', {}, ...facts, ...(rules ? fact(idle.rules, rules) : [])),
  )
  const mayCheck = reason !== 'off' && reason !== 'absent'
  const check = mayCheck ? button({ class: 'check-start' }, () => press({ type: 'check', run: true }), words.check.start) : null
  const foot = element('div', { class: 'foot rest' }, element('p', { class: 'hint' }, idle.whoMay), createSwitch(policy, words, press), check)
  return { element: element('section', { class: 'view' }, body, foot), update: () => {} }
}

function createNotice(text: string | null): HTMLElement | null {
  return text === null ? null : element('p', { class: 'notice' }, icon('circle-alert'), text)
}

/** Nothing to press where the owner's own rules say off: the switch gives back no more than them. */
function createSwitch(policy: PanelState['policy'], { idle }: PanelWords, press: Press): HTMLElement | null {
  if (!policy) return null
  const { switchedOff } = policy
  return button({ class: 'check-start' }, () => press({ type: 'switch', on: switchedOff }), switchedOff ? idle.turnOn : idle.turnOff)
}
