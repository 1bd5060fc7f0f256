import type { Language } from '@gantry/shared/words/errors.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { escapeHtml, languageOf, renderFrame, takeForms } from '../pages.ts'
import { factLines, type Message, noticeWords, whatHappens } from './message.ts'
import type { Notices } from './notices.ts'

export type NoticePages = { notices: Pick<Notices, 'read' | 'take'>; organisation: string }
type Visit = { reply: FastifyReply; language: Language; organisation: string }

/** 32 octets in base64url: nothing else is looked up. */
const tokenShape = /^[A-Za-z0-9_-]{43}$/

/**
 * The page behind the link of a notice. Looking at it does nothing, since mail programs and their guards open links by themselves; a form posts the answer. The
 * link itself is what may answer, so there is no cookie that another site's form could ride on.
 */
export function addNoticeRoutes(app: FastifyInstance, { notices, organisation }: NoticePages): void {
  void app.register(async (pages) => {
    takeForms(pages)
    pages.get('/notice/:token', async (request, reply) => {
      const found = await notices.read(tokenIn(request))
      const visit = { reply, organisation, language: languageOf(request, found?.language) }
      return found ? sendPage(visit, question(found, visit.language)) : sendOver(visit, 404)
    })
    pages.post('/notice/:token', async (request, reply) => {
      const token = tokenIn(request)
      const found = await notices.read(token)
      const visit = { reply, organisation, language: languageOf(request, found?.language) }
      if (!found) return sendOver(visit, 410)
      const answer = (request.body as Record<string, string> | undefined)?.answer
      if (answer !== 'refuse' && answer !== 'accept') return sendPage({ ...visit, reply: reply.code(400) }, question(found, visit.language))
      if (!(await notices.take(token, answer))) return sendOver(visit, 410)
      const { refused, acceptedNow } = noticeWords[visit.language].page
      return sendPage(visit, plain(answer === 'refuse' ? refused : acceptedNow))
    })
  })
}

function tokenIn(request: FastifyRequest): string {
  const { token } = request.params as { token: string }
  return tokenShape.test(token) ? token : ''
}

function sendOver(visit: Visit, status: 404 | 410): FastifyReply {
  return sendPage({ ...visit, reply: visit.reply.code(status) }, plain(noticeWords[visit.language].page.over))
}

function plain({ heading, text }: { heading: string; text: string }): string {
  return `<div class="form"><h1>${heading}</h1><p class="under">${text}</p></div>`
}

function question({ facts, rule, answerBeforeMs, mayAccept }: Message & { mayAccept: boolean }, language: Language): string {
  const words = noticeWords[language]
  const rows = factLines(facts, language).map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`)
  const accept = mayAccept ? `<button type="submit" name="answer" value="accept">${words.page.accept}</button>` : ''
  return `<form class="form notice" method="post"><h1>${escapeHtml(words.page.heading(facts.device.name))}</h1>
<p class="under">${escapeHtml(whatHappens(mayAccept ? rule : 'told', answerBeforeMs, facts, language))} ${words.device}</p>
<dl>${rows.join('')}</dl>
<div class="two"><button type="submit" name="answer" value="refuse" class="refuse">${words.page.refuse}</button>${accept}</div></form>`
}

const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

function sendPage({ reply, language, organisation }: Visit, content: string): FastifyReply {
  const { page, other } = noticeWords[language]
  void reply.headers({ 'content-security-policy': policy, 'content-language': language, vary: 'accept-language' })
  const frame = { language, title: page.title, context: [page.context] as const, content, organisation, other, languageLink: `?lang=${other.tag}` }
  return reply.type('text/html; charset=utf-8').send(renderFrame(frame))
}
