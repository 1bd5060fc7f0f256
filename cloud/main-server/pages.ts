import type { Language } from '@gantry/shared/words/errors.ts'
import type { FastifyInstance, FastifyRequest } from 'fastify'

export type Frame = {
  language: string
  title: string
  /** Beside the form: what this page is for, and what to do if it is not. Plain text of the words files. */
  context: readonly [string, string?]
  /** HTML. Whatever a person or a directory wrote in it went through `escapeHtml`. */
  content: string
  organisation: string
  other: { tag: string; name: string }
  languageLink: string | null
  /** The page loads itself again after so long. */
  refreshSeconds?: number | null
}

/** A page of this server: no script, one style sheet, nothing from elsewhere. */
export function renderFrame({ language, title, context: [what, more], content, organisation, other, languageLink, refreshSeconds = null }: Frame): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refreshSeconds === null ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`}<title>${title}</title>
<link rel="icon" href="/sign-in/icon.svg">
<link rel="stylesheet" href="/sign-in/style.css">
</head>
<body>
<main>
<aside>${art}<div class="brand">${mark}<b>Gantry</b></div>
<div class="context"><p>${what}</p>${more === undefined ? '' : `<p class="small">${more}</p>`}</div></aside>
<section>
${content}
<footer><span>${escapeHtml(organisation)}</span>${languageLink === null ? '' : `<a href="${escapeHtml(languageLink)}" lang="${other.tag}" hreflang="${other.tag}">${other.name}</a>`}</footer>
</section>
</main>
</body>
</html>
`
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** What is posted by a page's form, within 4 KiB. For the pages of this scope alone: the API takes JSON. */
export function takeForms(pages: FastifyInstance): void {
  pages.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit: 4_096 }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(body.toString())))
  })
}

/** `?lang`, then what the client asked for, then what the browser prefers. */
export function languageOf(request: FastifyRequest, uiLocales?: unknown): Language {
  const { lang } = request.query as { lang?: unknown }
  for (const wish of [lang, uiLocales, request.headers['accept-language']]) {
    const found = typeof wish === 'string' ? /\b(en|fr)\b/i.exec(wish)?.[1]?.toLowerCase() : undefined
    if (found === 'en' || found === 'fr') return found
  }
  return 'en'
}

const art = `<svg class="art" viewBox="0 0 600 600" aria-hidden="true"><g class="rings"><circle cx="360" cy="300" r="290"/><circle cx="360" cy="300" r="196"/><circle cx="360" cy="300" r="118"/><path d="M360 10V104M360 496V590M650 300H556"/></g><path class="arc" d="M190.500 131A239 239 0 1 1 190.500 469"/><path class="line" d="M-1400 300H352"/><circle class="dot" cx="360" cy="300" r="15"/></svg>`
const mark = `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path class="ring" d="M7.2 6.7A8 8 0 1 1 7.2 17.3"/><path class="line" d="M1 12h11"/><circle class="dot" cx="13" cy="12" r="3"/></svg>`
