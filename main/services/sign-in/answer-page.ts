import { signInAnswerEn } from '@gantry/shared/words/sign-in-answer.en.ts'
import { signInAnswerFr } from '@gantry/shared/words/sign-in-answer.fr.ts'

/** The page that the browser shows once it has brought the answer back: no script, nothing loaded, nothing of the request repeated. */
export function answerPage(acceptLanguage: string | undefined, outcome: 'done' | 'failed'): string {
  const french = /^\s*fr\b/i.test(acceptLanguage ?? '')
  const words = (french ? signInAnswerFr : signInAnswerEn)[outcome]
  const style = 'body{font:16px system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;color-scheme:light dark}'
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${words.title}</title><style>${style}</style>`
  return `<!doctype html><html lang="${french ? 'fr' : 'en'}"><head>${head}</head><body><h1>${words.title}</h1><p>${words.text}</p></body></html>`
}
