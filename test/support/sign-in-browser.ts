import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'

export type Answer = { status: number; headers: IncomingHttpHeaders; text: string }
export type Ask = { method?: string; headers?: Record<string, string>; body?: string }

/** One HTTPS request on a connection of its own; the certificate is held against the address, whatever the Host header says. */
export function ask(url: string, ca: string, { method = 'GET', headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const identity = (_host: string, certificate: PeerCertificate) => checkServerIdentity(new URL(url).hostname, certificate)
    const sent = request(url, { ca, method, headers, agent: false, checkServerIdentity: identity }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

export function form(fields: Record<string, string>): Ask {
  return { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams(fields).toString() }
}

/** The cookies of one browser, and nothing else of it. Paths are ignored: the server must not depend on a cookie being left out. */
export type Browser = { visit(url: string, how?: Ask): Promise<Answer> }
export function createBrowser(origin: string, ca: string): Browser {
  const cookies = new Map<string, string>()
  return {
    async visit(url, how = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await ask(new URL(url, origin).href, ca, { ...how, headers: { ...how.headers, ...(cookie ? { cookie } : {}) } })
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '') cookies.delete(name)
        else cookies.set(name, value)
      }
      return answer
    },
  }
}

export type Authorization = { url: string; verifier: string; redirect: string }
/** An authorization request as the desktop client makes it; `change` replaces or (with undefined) leaves out parameters. */
export function authorization(origin: string, change: Record<string, string | undefined> = {}): Authorization {
  const verifier = randomBytes(32).toString('base64url')
  const parameters: Record<string, string | undefined> = {
    client_id: 'gantry-desktop',
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1:49152/callback',
    scope: 'openid offline_access gantry',
    state: 'state-of-the-test',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  }
  const url = new URL('/oidc/auth', origin)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return { url: url.href, verifier, redirect: parameters.redirect_uri ?? '' }
}

/** Follows redirects inside the server; stops at a page, or at the first redirect that leaves it. */
export async function follow(browser: Browser, origin: string, first: Answer): Promise<Answer & { left: URL | null }> {
  let answer = first
  while (answer.status === 302 || answer.status === 303) {
    const next = new URL(answer.headers.location ?? '', origin)
    if (next.origin !== origin) return { ...answer, left: next }
    answer = await browser.visit(next.href)
    if (answer.status === 200) return { ...answer, headers: { ...answer.headers, location: next.href }, left: null }
  }
  return { ...answer, left: null }
}

export type Tokens = { access_token: string; refresh_token: string; id_token: string; expires_in: number }
export async function exchange(origin: string, ca: string, parameters: Record<string, string>): Promise<Answer> {
  return ask(`${origin}/oidc/token`, ca, form({ client_id: 'gantry-desktop', ...parameters }))
}
