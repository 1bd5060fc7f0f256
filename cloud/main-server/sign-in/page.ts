import type { SignInWords } from '@gantry/shared/words/sign-in.en.ts'
import { escapeHtml, renderFrame } from '../pages.ts'
import type { Passkey } from './passkey-store.ts'

/** What a page shows. There is a script only where a passkey can be used or made. */
export type Page =
  | { step: 'password'; username: string; problem: Problem | null }
  | CodePage
  | PasskeysPage
  /** `again`: the address that sends the person to the provider. */
  | { step: 'upstream'; name: string; problem: Problem; again: string }
  | { step: 'done'; first: First }
  | { step: 'over' }
  | { step: 'refused'; code: string }
type CodePage = {
  step: 'code'
  username: string
  problem: Problem | null
  /** False for somebody who has no authenticator app. */
  takesCode: boolean
  /** What the browser needs to ask for a passkey; null: there is none. */
  passkey: object | null
  /** Whether the passkeys are shown afterwards, or that is offered; null: there are none on this server. */
  after: 'offered' | 'shown' | null
  sandbox: SandboxCode | null
  first: First
}
/** `offer`: what the browser needs to make another; null where there are as many as anybody may have. */
type PasskeysPage = { step: 'passkeys'; passkeys: Passkey[]; mayRemove: boolean; most: number; offer: object | null; problem: Problem | null; first: First }
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

export function usesScript(page: Page): boolean {
  return (page.step === 'code' && page.passkey !== null) || (page.step === 'passkeys' && page.offer !== null)
}

function content(page: Page, words: SignInWords, organisation: string): string {
  switch (page.step) {
    case 'password':
      return passwordForm(page, words)
    case 'code':
      return codeForm(page, words, organisation)
    case 'passkeys':
      return passkeyList(page, words)
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

function codeForm({ passkey, takesCode, after, username, ...page }: CodePage, words: SignInWords, organisation: string): string {
  const { heading, either, onlyPasskey, forWhom, forPerson, field, orCode, button } = words.code
  const title = passkey === null ? heading : takesCode ? either : onlyPasskey
  const who = passkey === null ? forWhom(organisation, username) : forPerson(organisation, username)
  const input = `<input class="six mono" name="code" aria-label="${field}" required maxlength="7" pattern="[0-9]{3} ?[0-9]{3}" inputmode="numeric" autocomplete="one-time-code"${passkey === null ? ' autofocus' : ''}>`
  const code =
    passkey === null
      ? `<form class="part" method="post">${input}<button type="submit">${button}</button></form>`
      : `<form class="part" method="post"><label><span>${orCode}</span>${input}</label><button type="submit" class="quiet">${button}</button></form>`
  return `<div class="form">${progress(words, 1, page.first)}<h1>${title}</h1><p class="under">${escapeHtml(who)}</p>
${problemText(page.problem)}${passkey === null ? '' : passkeyForm(passkey, words)}${takesCode ? code : ''}${sandboxNote(page.sandbox, words)}${afterwards(after, words)}</div>`
}

function passkeyForm(options: object, { passkey: { use, failed } }: SignInWords): string {
  return scriptedForm({ field: 'passkey', options, button: use, messages: { failed } })
}

/** Hidden until the script finds that this browser can do it. */
function scriptedForm({ field, options, button, messages }: { field: string; options: object; button: string; messages: Record<string, string> }): string {
  const said = Object.entries(messages).map(([name, text]) => ` data-${name}="${escapeHtml(text)}"`)
  return `<form class="part" method="post" hidden data-options="${escapeHtml(JSON.stringify(options))}"${field === 'attestation' ? ' data-new' : ''}${said.join('')}>
<input type="hidden" name="${field}"><p class="problem" role="alert" hidden>${alertIcon}<span></span></p><button type="submit">${button}</button></form>
<script src="/sign-in/passkey.js" defer></script>`
}

function afterwards(after: CodePage['after'], { passkey }: SignInWords): string {
  if (after === null) return ''
  return after === 'shown' ? `<p class="small">${passkey.afterwards}</p>` : `<p class="small"><a href="?passkeys">${passkey.lookAfter}</a></p>`
}

function passkeyList({ passkeys, mayRemove, most, offer, problem, first }: PasskeysPage, { passkey: words, ...all }: SignInWords): string {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10)
  const line = ({ id, addedMs, usedMs, isSynced }: Passkey) => {
    const name = words.name(id.slice(-6))
    const remove = `<form method="post"><input type="hidden" name="remove" value="${escapeHtml(id)}"><button type="submit" class="quiet" aria-label="${escapeHtml(`${words.remove} ${name}`)}">${words.remove}</button></form>`
    return `<li><div><b>${name}</b><span class="small">${words.facts({ added: day(addedMs), used: usedMs === null ? null : day(usedMs), isSynced })}</span></div>${mayRemove ? remove : ''}</li>`
  }
  const list = passkeys.length === 0 ? '' : `<ul class="passkeys">${passkeys.map(line).join('')}</ul>`
  const more =
    offer === null
      ? `<p>${words.enough(most)}</p>`
      : scriptedForm({ field: 'attestation', options: offer, button: words.add, messages: { failed: words.notMade, known: words.known } })
  return `<div class="form">${progress({ ...all, passkey: words }, 1, first)}<h1>${words.heading}</h1><p class="under">${words.text}</p>
${list}${problemText(problem)}${more}<form class="part" method="post"><button type="submit" name="continue" value="1" class="quiet">${words.goOn}</button></form></div>`
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
