import type { PanelMove } from '@gantry/shared/panel.ts'
import type { PanelWords } from '@gantry/shared/words/panel.en.ts'
import type { z } from 'zod'
import { button, element, type IconName, icon } from './elements.ts'
import type { Mirror } from './mirror.ts'
import type { Part, Press } from './request-view.ts'
import { bytesText, countdown, readable, type Session, type View } from './view.ts'

type LiveView = Extract<View, { name: 'live' }>
type Shown = z.infer<typeof PanelMove>

/** As many moves as there is room for; the audit on the device holds all of them. */
const maxShownMoves = 40

export function createLivePart(first: LiveView, words: PanelWords, { press, mirror }: { press: Press; mirror: Mirror }): Part {
  const { session } = first
  const left = element('b', { class: 'left-time' })
  const others = element('span', { class: 'others' })
  const network = element('span', { class: 'network' })
  const wall = element('span', { class: 'wall' })
  const list = element('ul', { class: 'moves', label: words.live.files, scrolls: true })
  const end = endButton(words, press, () => [session, ...others_])
  let others_: Session[] = first.others
  let drawn = ''
  const used = element('span', { class: 'used' })
  const questions = [createTimeQuestion(words, press), createRestrictedQuestion(words, press)]
  const patients = element('span', { class: 'network' })
  mirror.show(session.requestId)
  const title = element(
    'p',
    { class: 'does', live: 'polite' },
    element('b', { class: 'does-name' }, readable(session.specialist)),
    ` ${words.live.works[session.access]}`,
    others,
    '.',
    network,
    patients,
    wall,
  )
  const body = element(
    'div',
    { class: 'body watches' },
    element('div', { class: 'screen' }, title, mirror.element),
    element('div', { class: 'files' }, element('p', { class: 'small' }, words.live.files), list),
  )
  const foot = element(
    'div',
    { class: 'foot ends' },
    element('div', { class: 'left' }, left, element('span', {}, words.live.left), used),
    element('p', { class: 'hint' }, words.live.beforeExam),
    end,
  )
  return {
    element: element('section', { class: 'view' }, body, ...questions.map((question) => question.element), foot),
    update(view, nowMs) {
      if (view.name !== 'live') return
      others_ = view.others
      left.textContent = countdown(view.session.endsMs, nowMs)
      const { used: moved } = view.session
      const size = (bytes: number) => bytesText(bytes, words.bytes, words.locale)
      used.textContent = moved ? words.live.used(size(moved.bytes), size(moved.maxBytes)) : ''
      for (const question of questions) question.update(view.session, nowMs)
      others.textContent = view.others.length > 0 ? ` ${words.live.others(view.others.length)}` : ''
      network.textContent = view.session.interrupted ? ` ${words.live.interrupted}` : ''
      patients.textContent = view.session.restrictedOpen ? ` ${words.live.restrictedOpen}` : ''
      const { probed } = view.session
      wall.textContent = probed && probed.tried > 0 && probed.tried === probed.blocked ? ` ${words.live.blocked(probed.tried)}` : ''
      const now = JSON.stringify(view.session.moves)
      if (now === drawn) return
      drawn = now
      list.replaceChildren(...drawMoves(view.session.moves, words))
    },
  }
}

/** A question that comes up under a finger must not be answered by it. ms */
const settleMs = 600

type Asked = { askedMs: number; answerBeforeMs: number }
type QuestionWith<T extends Asked> = {
  asked: (session: Session) => T | null
  texts: (session: Session, asked: T) => { question: string; allow: string; refuse: string }
  answer: (session: Session, allow: boolean) => void
}

/** What is asked for while the session goes on: over the foot, so that End stays in reach. */
function createQuestion<T extends Asked>(words: PanelWords, { asked, texts, answer }: QuestionWith<T>) {
  const bar = element('div', { class: 'more-time' })
  let shown = ''
  let left = element('span', { class: 'small' })
  const draw = (session: Session, what: T) => {
    const { question, allow, refuse } = texts(session, what)
    const no = button({ class: 'answer no' }, () => answer(session, false), icon('x'), refuse)
    const yes = button({ class: 'answer yes' }, () => answer(session, true), icon('check'), allow)
    no.disabled = true
    yes.disabled = true
    setTimeout(() => {
      no.disabled = false
      yes.disabled = false
    }, settleMs)
    left = element('span', { class: 'small' })
    const text = element('p', { live: 'assertive' }, element('b', {}, question))
    bar.replaceChildren(element('div', { class: 'grow' }, text, left), no, yes)
  }
  return {
    element: bar,
    update(session: Session, nowMs: number) {
      const what = asked(session)
      const key = what ? `${session.requestId} ${what.askedMs}` : ''
      if (key !== shown && what) draw(session, what)
      shown = key
      bar.hidden = !what
      if (what) left.textContent = words.live.elseUnchanged(countdown(what.answerBeforeMs, nowMs))
    },
  }
}

const createTimeQuestion = (words: PanelWords, press: Press) =>
  createQuestion(words, {
    asked: ({ asksTime }) => asksTime,
    texts: ({ specialist }, { minutes }) => ({
      question: words.live.asksTime(readable(specialist), minutes),
      allow: words.live.allowTime(minutes),
      refuse: words.live.refuseTime,
    }),
    answer: ({ requestId }, allow) => press({ type: 'time', requestId, allow }),
  })

const createRestrictedQuestion = (words: PanelWords, press: Press) =>
  createQuestion(words, {
    asked: ({ asksRestricted }) => asksRestricted,
    texts: ({ specialist }, { paths }) => ({
      question: words.live.asksRestricted(readable(specialist), paths.map(readable).join(', ').slice(0, 120)),
      allow: words.live.allowRestricted,
      refuse: words.live.refuseTime,
    }),
    answer: ({ requestId }, allow) => press({ type: 'restricted', requestId, allow }),
  })

/** Ends everything that is on: who presses it in front of a patient does not choose between sessions. */
export function endButton(words: PanelWords, press: Press, sessions: () => Session[]): HTMLButtonElement {
  const text = element('span', {}, words.live.end)
  const end = button(
    { class: 'end' },
    () => {
      for (const { requestId } of sessions()) press({ type: 'end', requestId })
      text.textContent = words.live.ending
    },
    icon('circle-stop'),
    text,
  )
  return end
}

function drawMoves(moves: Shown[], words: PanelWords): HTMLElement[] {
  if (moves.length === 0) return [element('li', { class: 'none' }, words.live.noFiles)]
  return moves
    .slice(-maxShownMoves)
    .reverse()
    .map((move) => drawMove(move, words))
}

function drawMove(move: Shown, words: PanelWords): HTMLElement {
  const size = move.bytes === null ? '' : `, ${bytesText(move.bytes, words.bytes, words.locale)}`
  const sign = icon(iconOf(move.kind))
  if (!move.done) sign.classList.add('going')
  return element(
    'li',
    {},
    sign,
    element(
      'span',
      {},
      element('b', { class: 'move-name' }, readable(move.text)),
      element('span', { class: 'move-state' }, `${words.move[move.kind](move)}${size}`),
    ),
  )
}

/** On the panel down means: coming in. */
function iconOf(kind: Shown['kind']): IconName {
  if (kind === 'sent') return 'arrow-down'
  if (kind === 'received') return 'arrow-up'
  if (kind === 'refused') return 'circle-alert'
  return kind === 'deleted' ? 'x' : 'wrench'
}
