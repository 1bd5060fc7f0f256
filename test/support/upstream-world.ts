import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Config } from '../../cloud/main-server/config.ts'
import type { Seed } from '../../cloud/main-server/seed.ts'
import type { UpstreamSettings } from '../../cloud/main-server/upstream-settings.ts'
import { newId, type SpecialistId } from '../../shared/ids.ts'
import type { PublicJwk } from '../../shared/ticket.ts'
import { createTestServer, type TestServer } from './main-server.ts'
import { type Answer, type Authorization, authorization, type Browser, createBrowser, exchange, type Tokens } from './sign-in-browser.ts'
import { openTestUpstream, type TestUpstream, upstreamClient } from './upstream.ts'

type Person = Partial<Seed['specialists'][number]>
export type Page = Answer & { at: URL }
/** A main server whose people sign in at a provider of its organisation's. */
export type UpstreamWorld = {
  folder: string
  upstream: TestUpstream
  server: TestServer
  browser(): Browser
  /** From the client's authorization request as far as it goes by itself: a page, or the client's own address. */
  signIn(browser?: Browser): Promise<{ browser: Browser; started: Authorization; page: Page }>
  /** To the provider and back, up to its answer, which has not been taken yet. */
  comeBack(browser?: Browser): Promise<{ browser: Browser; started: Authorization; answer: URL }>
  /** Follows every redirect until a page, the client's own address, or `until`. */
  walk(browser: Browser, from: string, until?: (url: URL) => boolean): Promise<Page>
  tokens(at: URL, started: Authorization): Promise<Tokens>
  events(): { kind: string; data?: Record<string, unknown> }[]
  /** Another main server at the same provider, which serves that one from then on. */
  restartWith(change: Partial<UpstreamSettings>, jwk?: PublicJwk): Promise<void>
  close(): Promise<void>
}

/** `people`: by their subject at the provider. */
export async function createUpstreamWorld(people: Record<string, Person>, change: Partial<UpstreamSettings> = {}): Promise<UpstreamWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'upstream-'))
  const upstream = await openTestUpstream(folder)
  const openServer = async (more: Partial<UpstreamSettings>, jwk?: PublicJwk) => {
    const settings = { issuer: upstream.issuer, name: 'Norvane SSO', clientId: upstreamClient, caFile: upstream.caFile, ...more }
    const credential = more.keyFile ? {} : { secretFile: upstream.secretFile }
    const opened = await createTestServer({ upstream: Config.shape.upstream.parse({ ...credential, ...settings }) }, (seed) =>
      addPeople(seed, upstream.issuer, people),
    )
    upstream.serve({ redirectUri: `${opened.origin}/sign-in/answer`, ...(jwk ? { jwk } : {}) })
    return opened
  }
  let server = await openServer(change)
  const browser = () => createBrowser(server.origin, `${server.ca}\n${upstream.ca}`)
  return {
    ...{ folder, upstream },
    get server() {
      return server
    },
    ...{ browser, walk },
    async signIn(own = browser()) {
      const started = authorization(server.origin)
      return { browser: own, started, page: await walk(own, started.url) }
    },
    async comeBack(own = browser()) {
      const started = authorization(server.origin)
      const { at } = await walk(own, started.url, (url) => url.pathname === '/sign-in/answer')
      return { browser: own, started, answer: at }
    },
    async tokens(at, { verifier, redirect }) {
      const parameters = { grant_type: 'authorization_code', code: at.searchParams.get('code') ?? '', code_verifier: verifier, redirect_uri: redirect }
      return JSON.parse((await exchange(server.origin, server.ca, parameters)).text) as Tokens
    },
    events() {
      const lines = readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
      return lines.map((line) => JSON.parse(line).event)
    },
    async restartWith(more, jwk) {
      await server.close()
      server = await openServer(more, jwk)
    },
    async close() {
      await server.close()
      await upstream.down()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function failureOf({ headers }: Pick<Answer, 'headers'>) {
  return JSON.parse(String(headers['gantry-failure'] ?? 'null'))
}

export async function walk(browser: Browser, from: string, until: (url: URL) => boolean = () => false): Promise<Page> {
  let at = new URL(from)
  for (let hops = 0; hops < 12; hops++) {
    if (at.protocol === 'http:' || until(at)) return { status: 0, headers: {}, text: '', at }
    const answer = await browser.visit(at.href)
    if (answer.status !== 302 && answer.status !== 303) return { ...answer, at }
    at = new URL(answer.headers.location ?? '', at)
  }
  throw new Error('too many redirects')
}

function addPeople(seed: Seed, issuer: string, people: Record<string, Person>): void {
  const [elena] = seed.specialists
  if (!elena) throw new Error('nobody')
  const { password: _, totpSecret: __, ...plain } = elena
  for (const [subject, more] of Object.entries(people))
    seed.specialists.push({ ...plain, id: newId<SpecialistId>('spc'), username: subject, identity: { issuer, subject }, ...more })
}
