import { get as httpGet, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError, fromFailure } from '@gantry/shared/errors.ts'
import { parseLine } from '@gantry/shared/node/lines.ts'
import { z } from 'zod'
import { totp, totpStepSeconds } from './totp.ts'

/**
 * The sandbox's sign-in without a person: the main server's own pages, one after the other, as a browser would. Nothing is skipped: password, code, redirects to the
 * loopback listener. It exists for the sandbox alone, whose specialist is made up.
 */
export type Credentials = { username: string; password: string; totpSecret: string }
export type WalkOptions = {
  credentials: Credentials
  /** PEM of the CA of the main server. */
  ca: string
  /** A code is good once; told before it waits so many seconds for the next. */
  onWait: (seconds: number) => void
  now?: () => number
  wait?: (ms: number) => Promise<unknown>
}

const maxPages = 20
const maxWaits = 3

/** Ends when the loopback listener has answered. Errors: the pages' own refusals (`auth.*`), `server.unreachable`, `server.answer-bad`. */
export async function walkSignIn(link: string, { credentials, ca, onWait, now = Date.now, wait = sleep }: WalkOptions): Promise<void> {
  const visit = createVisitor(ca)
  const { origin } = new URL(link)
  let page = await visit({ url: new URL(link) })
  let waits = 0
  for (let pages = 0; pages < maxPages; pages++) {
    if (page.next) {
      // Back at the listener of the sign-in that waits: the end of the way. Anywhere else but the main server is not followed.
      if (page.next.protocol === 'http:' && ['127.0.0.1', '[::1]'].includes(page.next.hostname)) return bringBack(page.next)
      if (page.next.origin !== origin) throw new AppError('server.answer-bad', { details: { host: page.next.host } })
      page = await visit({ url: page.next })
      continue
    }
    if (page.failure?.code === 'auth.code-used' && ++waits <= maxWaits) {
      const seconds = secondsToNext(now())
      onWait(seconds)
      await wait(seconds * 1_000)
      page = await visit({ url: page.url })
    }
    if (page.failure) throw fromFailure(page.failure)
    page = await visit({ url: page.url, form: fill(page.html, credentials, now()) })
  }
  throw new AppError('server.answer-bad', { details: { pages: maxPages } })
}

function secondsToNext(nowMs: number): number {
  return totpStepSeconds - (Math.floor(nowMs / 1_000) % totpStepSeconds)
}

/** The fields that the page asks for, told by their names; hidden ones go back as they came. */
function fill(html: string, { username, password, totpSecret }: Credentials, nowMs: number): URLSearchParams {
  const known: Record<string, () => string> = { username: () => username, password: () => password, code: () => totp(totpSecret, nowMs) }
  const form = new URLSearchParams()
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]
    const name = attribute('name')
    if (name === undefined) continue
    const value = known[name]?.() ?? (attribute('type') === 'hidden' ? attribute('value') : undefined)
    if (value !== undefined) form.set(name, value)
  }
  if ([...form].length === 0) throw new AppError('server.answer-bad', { details: { name: 'sign-in form' } })
  return form
}

type Page = { url: URL; html: string; next: URL | null; failure: { code: string; details?: Record<string, string | number> | undefined } | null }
type Visit = (request: { url: URL; form?: URLSearchParams }) => Promise<Page>
const FailureHeader = z.object({ code: z.string(), details: z.record(z.string(), z.union([z.string(), z.number()])).optional() })

/** A browser as small as can be: cookies of one origin, redirects by hand. */
function createVisitor(ca: string): Visit {
  const cookies = new Map<string, string>()
  return async ({ url, form }) => {
    const body = form?.toString()
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = {
      ...(cookie && { cookie }),
      ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(Buffer.byteLength(body)), origin: url.origin }),
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    httpsRequest(url, { method: body === undefined ? 'GET' : 'POST', headers, ca, agent: false, signal: AbortSignal.timeout(15_000) }, resolve)
      .on('error', (error) => reject(new AppError('server.unreachable', { cause: error, details: { host: url.hostname, hop: 'sign-in' } })))
      .end(body)
    const response = await promise
    for (const line of response.headers['set-cookie'] ?? []) keepCookie(cookies, line)
    const html = await text(response)
    const status = response.statusCode ?? 0
    const { location } = response.headers
    const failure = response.headers['gantry-failure']
    if (status >= 300 && status < 400 && location !== undefined) return { url, html, next: new URL(location, url), failure: null }
    if (typeof failure === 'string') return { url, html, next: null, failure: FailureHeader.parse(parseLine(failure)) }
    if (status !== 200) throw new AppError('server.answer-bad', { details: { status } })
    return { url, html, next: null, failure: null }
  }
}

/** Attributes but a deletion's do not matter here: one origin, one sign-in, a minute. Paths do not either, since oidc-provider's cookies have names of their own. */
function keepCookie(cookies: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  const isGone = attributes.some((attribute) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(attribute))
  if (isGone) cookies.delete(name)
  else cookies.set(name, pair.slice(at + 1).trim())
}

async function bringBack(url: URL): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  httpGet(url, { agent: false, signal: AbortSignal.timeout(15_000) }, (response) => {
    response.resume()
    response.once('end', resolve)
    response.once('error', reject)
  }).on('error', reject)
  await promise
}
