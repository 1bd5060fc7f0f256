import { createHash } from 'node:crypto'
import type { PasskeyApprover } from '@gantry/shared/device-policy.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { newNonce } from '@gantry/shared/node/signing.ts'
import { passkeyScript } from '@gantry/shared/passkey-script.ts'
import type { RequestPayload } from '@gantry/shared/ticket.ts'
import { errorWords, type Language } from '@gantry/shared/words/errors.ts'
import type { PolicyCommandWords } from '@gantry/shared/words/policy-command.en.ts'
import { z } from 'zod'
import { isSignedByPasskey, PasskeyAssertion, readNewPasskey } from '../access/passkey.ts'
import { type ApprovalPayload, challengeOf, type PasskeyApproval } from '../access/second-key.ts'
import { html, type Raw } from '../html.ts'
import { askBrowser, type BrowserQuestion } from './ask-browser.ts'

/**
 * Passkeys as approvers, in the browser of the computer on which the customer's tool runs (decision 34): one page makes one, one asks it for the approval of what it shows. Both
 * throw `policy.passkey-refused` {reason: `answer`, `none`, `port`, `time`}.
 */
type With = { port: number; language: Language; words: PolicyCommandWords; onReady: (url: string) => void; withinMs?: number }

/** Of the page where `--port` does not say. A passkey is pinned with it, so it stays the same; above what systems give to whoever asks for any (27451 is nobody's at IANA). */
export const passkeyPort = 27_451
const rpId = 'localhost'
/** For how long the browser asks. ms */
const askMs = 110_000

const text = z.string().max(8_000)
/** What `PublicKeyCredential.toJSON` gives (WebAuthn section 5.1), as far as it is read. */
const Made = z.object({ response: z.object({ clientDataJSON: text, authenticatorData: text }) })
const Got = z.object({ id: text, response: z.object({ clientDataJSON: text, authenticatorData: text, signature: text }) })

/** Asks the browser to make a passkey, and returns what the policy is to pin. */
export function makePasskey({ port, language, words, ...rest }: With): Promise<PasskeyApprover> {
  const challenge = newNonce()
  const options = {
    ...{ rp: { name: 'Gantry', id: rpId }, challenge, timeout: askMs, attestation: 'none' },
    user: { id: newNonce(), name: words.page.title, displayName: words.page.title },
    pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
  }
  const { make } = words.page
  return askBrowser({
    ...question(language, words, port),
    ...rest,
    ask: () => page(words, html`<h1>${make.heading}</h1><p>${make.text}</p>${form(options, make, true)}`),
    judge: (answer, origin) => readNewPasskey(read(Made, answer).response, { rpId, origin }, challenge) ?? refuse('answer'),
  })
}

export type ToApprove = { payload: ApprovalPayload; request: RequestPayload; name: string; employer: string; approvers: readonly PasskeyApprover[] }

/** Shows what is asked for, has one of these passkeys sign it, and returns the approval with whose it is: it was judged as the device will judge it. */
export async function approveByPasskey(
  { payload, request, name, employer, approvers }: ToApprove,
  { port, language, words, ...rest }: With,
): Promise<{ approval: PasskeyApproval; approver: PasskeyApprover }> {
  const challenge = challengeOf(payload)
  const known = approvers.filter(({ origin }) => origin === `http://localhost:${port}`)
  if (known.length === 0) refuse('none')
  const allowCredentials = known.map(({ credentialId }) => ({ type: 'public-key', id: credentialId }))
  const options = { rpId, challenge, timeout: askMs, userVerification: 'required', allowCredentials }
  const { approve } = words.page
  const facts: [string, string][] = [
    [approve.who, `${name}, ${employer}`],
    [approve.level, words.levels[request.access]],
    [approve.reason, request.reason],
    [approve.caseId, request.caseId],
    [approve.minutes, String(request.minutes)],
    [approve.device, request.deviceId],
  ]
  const list = facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)
  return askBrowser({
    ...question(language, words, port),
    ...rest,
    ask: () => page(words, html`<h1>${approve.heading}</h1><dl>${list}</dl><p>${approve.text}</p>${form(options, approve, false)}`),
    judge: (answer) => {
      const { id: credentialId, response } = read(Got, answer)
      const { clientDataJSON, authenticatorData, signature } = response
      const assertion = read(PasskeyAssertion, JSON.stringify({ credentialId, clientDataJSON, authenticatorData, signature }))
      const approver = known.find((passkey) => isSignedByPasskey(assertion, passkey, challenge)) ?? refuse('answer')
      return { approver, approval: { version: 1, kind: 'passkey', payload, assertion } as const }
    },
  })
}

/** The port of the page that may ask these; null: none of them was made by this tool. */
export function pagePort(approvers: readonly PasskeyApprover[]): number | null {
  const url = approvers.map(({ origin }) => new URL(origin)).find(({ hostname }) => hostname === rpId)
  return url ? Number(url.port || 80) : null
}

function question(language: Language, words: PolicyCommandWords, port: number): Pick<BrowserQuestion<never>, 'port' | 'allow' | 'answered'> {
  return {
    port,
    allow: { script: hashOf(passkeyScript), style: hashOf(style) },
    answered: (problem) => {
      if (problem === null) return page(words, html`<h1>${words.page.done}</h1><p>${words.page.close}</p>`)
      const { what, todo } = errorWords(toFailure(problem), language)
      return page(words, html`<h1>${words.page.notDone}</h1><p>${what} ${todo}</p>`)
    },
  }
}

function form(options: object, { button, failed }: { button: string; failed: string }, isNew: boolean): Raw {
  const kind = html`${isNew ? 'new' : 'used'}`
  return html`<form method="post" hidden data-${kind} data-options="${JSON.stringify(options)}" data-failed="${failed}" data-known="${failed}"><input type="hidden" name="answer">
<p class="problem" role="alert" hidden><span></span></p><button>${button}</button></form>`
}

function page({ page: { title, language } }: PolicyCommandWords, content: Raw): string {
  return `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body><main>${content}</main><script>${passkeyScript}</script></body></html>`
}

/** CSP Level 3 section 2.3.1. */
const hashOf = (content: string) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`

const style = `
:root { color-scheme: light dark }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif }
main { max-width: 34rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { font-size: 1.4rem; line-height: 1.25 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4rem 1.2rem; margin: 1.5rem 0 } dd { margin: 0; font-weight: 600; overflow-wrap: anywhere }
button { font: inherit; font-weight: 600; padding: .6rem 1.4rem }
`

function read<T>(schema: z.ZodType<T>, answer: string): T {
  try {
    return schema.parse(JSON.parse(answer))
  } catch (error) {
    throw new AppError('policy.passkey-refused', { cause: error, details: { reason: 'answer' } })
  }
}

function refuse(reason: string): never {
  throw new AppError('policy.passkey-refused', { details: { reason } })
}
