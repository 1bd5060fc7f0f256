import { createHash, randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import { createProver, makeProof, type Prover } from '../../shared/node/dpop.ts'
import { generateSigningKey, type SigningKey } from '../../shared/node/signing.ts'

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

/** The key of the tests' client. */
export const proofKey = generateSigningKey()

/** At the token endpoint, with a proof by `key`; null: without one. */
export async function exchange(origin: string, ca: string, parameters: Record<string, string>, key: SigningKey | null = proofKey): Promise<Answer> {
  const address = new URL('/oidc/token', origin)
  const sent = form({ client_id: 'gantry-desktop', ...parameters })
  if (!key) return ask(address.href, ca, sent)
  const prove = async (nonce?: string) => {
    const dpop = await makeProof({ method: 'POST', url: address, token: '' }, key, nonce)
    return ask(address.href, ca, { ...sent, headers: { ...sent.headers, dpop } })
  }
  const first = await prove()
  const fresh = first.headers['dpop-nonce']
  return typeof fresh === 'string' && first.text.includes('use_dpop_nonce') ? prove(fresh) : first
}

/** What the tests' client sends along with an access token. */
export function proverOf(token: string, key: SigningKey = proofKey): Prover {
  return createProver(async () => ({ token, proofKey: key }))
}

/** As `ask`, with that token and a proof. */
export async function askAs(token: string, url: string, ca: string, how: Ask = {}): Promise<Answer> {
  const prover = proverOf(token)
  const once = async () => {
    const own = await prover.headers({ method: how.method ?? 'GET', url: new URL(url) })
    return ask(url, ca, { ...how, headers: { ...how.headers, ...own } })
  }
  const first = await once()
  return prover.again({ statusCode: first.status, headers: first.headers } as IncomingMessage) ? once() : first
}
