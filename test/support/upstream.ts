import { createHmac, sign } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Provider } from 'oidc-provider'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey, type SigningKey, thumbprint } from '../../shared/node/signing.ts'
import type { PublicJwk } from '../../shared/ticket.ts'

/** Who sits in front of the browser at the provider, and what the provider finds. */
export type AtUpstream = { subject: string; amr?: string[]; acr?: string; ts?: number } | { refusal: string }
export type TestUpstream = {
  issuer: string
  ca: string
  caFile: string
  secretFile: string
  /** Signs its ID tokens. */
  key: SigningKey
  person: AtUpstream
  /** Changes what is in an answer's body, by path. */
  rewrite: ((path: string, body: Record<string, unknown>) => Record<string, unknown> | Promise<Record<string, unknown>>) | null
  /** True: as when a proxy in front of it finds nobody. */
  unavailable: boolean
  /** Query of each authorization request. */
  asked: URLSearchParams[]
  /** Begins to answer, to this client. */
  serve(client: { redirectUri: string; jwk?: PublicJwk }): void
  down(): Promise<void>
  up(): Promise<void>
}

export const upstreamClient = 'gantry at the test'

/** An OpenID provider of its own, on its own TLS address, which signs in whoever is put before it. It can be made to lie. */
export async function openTestUpstream(folder: string): Promise<TestUpstream> {
  const ca = await createCa('Test upstream')
  const { certificatePem: cert, keyPem } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const put = (name: string, content: string, mode: number) => {
    writeFileSync(join(folder, name), content, { mode })
    return join(folder, name)
  }
  let answer: Answer = (_request, response) => void response.writeHead(503).end()
  let server = createServer({ cert, key: keyPem }, (request, response) => answer(request, response))
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const secret = 'a secret of the test, with % and : in it'
  const upstream: TestUpstream = {
    issuer: `https://127.0.0.1:${port}`,
    ca: ca.certificatePem,
    caFile: put('upstream-ca.pem', ca.certificatePem, 0o644),
    secretFile: put('upstream.secret', `${secret}\n`, 0o600),
    key: generateSigningKey(),
    person: { refusal: 'access_denied' },
    rewrite: null,
    unavailable: false,
    asked: [],
    serve({ redirectUri, jwk }) {
      answer = createAnswer(upstream, createProvider(upstream, { redirectUri, secret, jwk }))
    },
    async down() {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
    async up() {
      server = createServer({ cert, key: keyPem }, (request, response) => answer(request, response))
      await listen(server, port)
    },
  }
  return upstream
}

type Claims = Record<string, unknown>
/** Who signs: a key, a shared secret, or nobody. */
export type Signer = SigningKey['privateKey'] | string | null

/** That ID token with other claims, signed by somebody of the test's choice. */
export function resign(token: string, claims: Claims, signer: Signer): string {
  const [header = '', payload = ''] = token.split('.')
  const alg = signer === null ? 'none' : typeof signer === 'string' ? 'HS256' : 'ES256'
  const signed = [
    { ...decoded(header), alg },
    { ...decoded(payload), ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  if (signer === null) return `${signed}.`
  if (typeof signer === 'string') return `${signed}.${createHmac('sha256', signer).update(signed).digest('base64url')}`
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: signer, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

function decoded(part: string): Claims {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims
}

type Answer = Parameters<typeof createServer>[1] & {}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
}

function createAnswer(upstream: TestUpstream, provider: Provider): Answer {
  const handle = provider.callback()
  return async (request, response) => {
    if (upstream.unavailable) return void response.writeHead(503).end()
    const { pathname, searchParams } = new URL(request.url ?? '', upstream.issuer)
    if (pathname === '/auth') upstream.asked.push(searchParams)
    if (pathname.startsWith('/interaction/')) {
      const location = await provider.interactionResult(request, response, await resultOf(upstream.person, provider), { mergeWithLastSubmission: false })
      return void response.writeHead(303, { location }).end()
    }
    const end = response.end.bind(response)
    const rewritten = async (body: string) => {
      const changed = JSON.stringify(await upstream.rewrite?.(pathname, JSON.parse(body)))
      response.setHeader('content-length', Buffer.byteLength(changed))
      end(changed)
    }
    if (upstream.rewrite && (pathname === '/token' || pathname.startsWith('/.well-known/')))
      response.end = ((body: string) => {
        void rewritten(body)
        return response
      }) as typeof response.end
    await handle(request, response)
  }
}

async function resultOf(person: AtUpstream, provider: Provider): Promise<Record<string, unknown>> {
  if ('refusal' in person) return { error: person.refusal }
  const { subject, ...login } = person
  const grant = new provider.Grant({ accountId: subject, clientId: upstreamClient })
  grant.addOIDCScope('openid')
  return { login: { accountId: subject, ...login }, consent: { grantId: await grant.save() } }
}

function createProvider(
  { issuer, key }: TestUpstream,
  { redirectUri, secret, jwk }: { redirectUri: string; secret: string; jwk: PublicJwk | undefined },
): Provider {
  const proof = jwk ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [{ ...jwk, kid: thumbprint(jwk) }] } } : { client_secret: secret }
  return new Provider(issuer, {
    clients: [{ client_id: upstreamClient, redirect_uris: [redirectUri], id_token_signed_response_alg: 'ES256', ...proof }],
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'upstream' }] },
    cookies: { keys: ['test'], names: { interaction: 'up_interaction', resume: 'up_resume', session: 'up_session' } },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'] },
    acrValues: ['urn:test:two'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256', 'HS256'] },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
  })
}
