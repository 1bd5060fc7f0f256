import type { SignInWords } from '@gantry/shared/words/sign-in.en.ts'
import { escapeHtml, renderFrame } from '../pages.ts'

/** What a page shows. There is no script on any of them. */
export type Page =
  | { step: 'password'; username: string; problem: Problem | null }
  | { step: 'code'; username: string; problem: Problem | null; sandbox: SandboxCode | null; first: First }
  /** `again`: the address that sends the person to the provider. */
  | { step: 'upstream'; name: string; problem: Problem; again: string }
  | { step: 'done'; first: First }
  | { step: 'over' }
  | { step: 'refused'; code: string }
/** Where the first factor is asked. */
export type First = 'password' | 'upstream'
/** The sentence, and its code for whoever reports it. */
export type Problem = { text: string; code: string }
/** Only in a sandbox: the code itself, or, when it was used, how long until the next. */
export type SandboxCode = { code: string } | { nextInSeconds: number }

export type PageFrame = { words: SignInWords; organisation: string; languageLink: string | null }

export function renderPage(page: Page, { words, organisation, languageLink }: PageFrame): string {
  const refreshSeconds = page.step === 'code' && page.sandbox && 'nextInSeconds' in page.sandbox ? page.sandbox.nextInSeconds : null
  const { language, title, asked, notYou, other } = words
  return renderFrame({
    language,
    title,
    context: [asked, notYou],
    content: content(page, words, organisation),
    organisation,
    other,
    languageLink,
    refreshSeconds,
  })
}

function content(page: Page, words: SignInWords, organisation: string): string {
  switch (page.step) {
    case 'password':
      return passwordForm(page, words)
    case 'code':
      return codeForm(page, words, organisation)
    case 'upstream':
      return upstreamProblem(page, words)
    case 'done':
      return `<div class="form">${progress(words, 2, page.first)}<h1>${words.done.heading}</h1><p class="under">${words.done.text}</p></div>`
    case 'over':
      return `<div class="form"><h1>${words.over.heading}</h1><p class="under">${words.over.text}</p></div>`
    case 'refused':
      return `<div class="form"><h1>${words.refused.heading}</h1><p class="under">${words.refused.text} <span class="mono">${escapeHtml(page.code)}</span></p></div>`
  }
}

function passwordForm({ username, problem }: { username: string; problem: Problem | null }, words: SignInWords): string {
  const { heading, username: name, password, button } = words.password
  return `<form class="form" method="post">${progress(words, 0)}<h1>${heading}</h1>
<label><span>${name}</span><input name="username" value="${escapeHtml(username)}" required maxlength="80" autocomplete="username" autocapitalize="none" spellcheck="false"${username ? '' : ' autofocus'}></label>
<label><span>${password}</span><input name="password" type="password" required maxlength="200" autocomplete="current-password"${username ? ' autofocus' : ''}></label>
${problemText(problem)}<button type="submit">${button}</button></form>`
}

function upstreamProblem({ name, problem, again }: Extract<Page, { step: 'upstream' }>, words: SignInWords): string {
  const { heading, text, again: button } = words.upstream
  return `<div class="form">${progress(words, 0, 'upstream')}<h1>${escapeHtml(heading(name))}</h1><p class="under">${text}</p>
${problemText(problem)}<a class="button" href="${escapeHtml(again)}">${button}</a></div>`
}

function codeForm(page: Extract<Page, { step: 'code' }>, words: SignInWords, organisation: string): string {
  const { heading, forWhom, field, button } = words.code
  return `<form class="form" method="post">${progress(words, 1, page.first)}<h1>${heading}</h1><p class="under">${escapeHtml(forWhom(organisation, page.username))}</p>
<input class="six mono" name="code" aria-label="${field}" required maxlength="7" pattern="[0-9]{3} ?[0-9]{3}" inputmode="numeric" autocomplete="one-time-code" autofocus>
${problemText(page.problem)}<button type="submit">${button}</button>${sandboxNote(page.sandbox, words)}</form>`
}

function sandboxNote(sandbox: SandboxCode | null, { sandbox: words }: SignInWords): string {
  if (!sandbox) return ''
  const text =
    'code' in sandbox ? `${words.codeNow} <b class="mono">${sandbox.code.slice(0, 3)} ${sandbox.code.slice(3)}</b>` : words.nextCode(sandbox.nextInSeconds)
  return `\n<p class="sandbox small"><b>${words.label}</b> <span>${text}</span></p>`
}

function problemText(problem: Problem | null): string {
  return problem
    ? `<p class="problem" role="alert">${alertIcon}<span>${escapeHtml(problem.text)} <span class="mono small">${escapeHtml(problem.code)}</span></span></p>\n`
    : ''
}

function progress({ steps }: SignInWords, now: number, first: First = 'password'): string {
  const item = (text: string, place: number) =>
    `<li class="${place < now ? 'past' : place === now ? 'now' : ''}"${place === now ? ' aria-current="step"' : ''}>${text}</li>`
  return `<ol class="steps" aria-label="${steps.label}">${[steps[first], steps.code, steps.done].map(item).join('')}</ol>`
}

/** Lucide, ISC licence. */
const alertIcon = `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><line x1="12" x2="12" y1="8" y2="12"/><line x1="12" x2="12.01" y1="16" y2="16"/></svg>`
