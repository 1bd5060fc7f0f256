import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import { type Answer, ask, type Browser, createBrowser } from './sign-in-browser.ts'

const share = '/usr/share/doc/glewlwyd'
/** Of Debian's package. */
const administrator = { username: 'admin', password: 'password' }

export type Glewlwyd = {
  issuer: string
  ca: string
  caFile: string
  version: string
  /** As its administrator. */
  admin(method: string, path: string, body?: unknown): Promise<Answer>
  start(): Promise<void>
  stop(): Promise<void>
}

/** Debian's glewlwyd, a single sign-on server that has nothing of ours, on loopback TLS with a database of its own. It must be installed. */
export async function openGlewlwyd(folder: string): Promise<Glewlwyd> {
  const port = await freePort()
  const origin = `https://127.0.0.1:${port}`
  const ca = await createCa('Glewlwyd of the test')
  const { certificatePem, keyPem } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const put = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  const database = join(folder, 'glewlwyd.db')
  execFileSync('sqlite3', [database], { input: gunzipSync(readFileSync(`${share}/database/init.sqlite3.sql.gz`)) })
  const files = { key: put('glewlwyd.key', keyPem), cert: put('glewlwyd.pem', certificatePem), ca: put('glewlwyd-ca.pem', ca.certificatePem) }
  const config = put('glewlwyd.conf', configOf({ port, origin, database, ...files }))
  let running: ChildProcess | null = null
  const browser = createBrowser(origin, ca.certificatePem)
  const call = (method: string, path: string, body?: unknown) => callJson(browser, method, path, body)
  const glewlwyd: Glewlwyd = {
    ...{
      issuer: `${origin}/api/oidc`,
      ca: ca.certificatePem,
      caFile: files.ca,
      version: /^Version: (.*)$/m.exec(execFileSync('dpkg-query', ['-s', 'glewlwyd']).toString())?.[1] ?? '',
    },
    async admin(method, path, body) {
      const answer = await call(method, path, body)
      if (answer.status !== 200) throw new Error(`glewlwyd: ${method} ${path}: ${answer.status} ${answer.text}`)
      return answer
    },
    async start() {
      running = spawn('glewlwyd', ['-c', config], { stdio: 'ignore' })
      await untilUp(origin, ca.certificatePem)
      await glewlwyd.admin('POST', '/api/auth', administrator)
    },
    async stop() {
      if (!running || running.exitCode !== null) return
      running.kill('SIGTERM')
      await once(running, 'exit')
    },
  }
  await glewlwyd.start()
  await glewlwyd.admin('POST', '/api/mod/plugin/', oidcPlugin(glewlwyd.issuer))
  return glewlwyd
}

export function callJson(browser: Browser, method: string, path: string, body?: unknown): Promise<Answer> {
  const content = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return browser.visit(path, { method, ...content })
}

/** Its OpenID Connect plugin; ID tokens are signed with ES256. */
function oidcPlugin(iss: string): Record<string, unknown> {
  const key = generateSigningKey()
  const jwk = { ...key.privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg: 'ES256', use: 'sig' }
  const durations = { 'access-token-duration': 3_600, 'refresh-token-duration': 3_600, 'code-duration': 60, 'refresh-token-rolling': false }
  const flows = { 'auth-type-code-enabled': true, 'auth-type-code-revoke-replayed': true, 'auth-type-refresh-enabled': false }
  const off = { 'auth-type-token-enabled': false, 'auth-type-id-token-enabled': false, 'auth-type-password-enabled': false, 'auth-type-client-enabled': false }
  const parameters = {
    ...{ iss, 'jwt-type': 'ecdsa', 'jwt-key-size': '256', 'jwks-private': JSON.stringify({ keys: [jwk] }), 'jwks-show': true },
    ...{
      'pkce-allowed': true,
      'pkce-method-plain-allowed': false,
      'pkce-required': true,
      'allow-non-oidc': false,
      'oauth-as-iss-id': true,
      'subject-type': 'public',
    },
    ...durations,
    ...flows,
    ...off,
  }
  return { module: 'oidc', name: 'oidc', display_name: 'OpenID Connect', enabled: true, parameters }
}

function configOf({
  port,
  origin,
  database,
  key,
  cert,
  ca,
}: {
  port: number
  origin: string
  database: string
  key: string
  cert: string
  ca: string
}): string {
  const modules = {
    user_module: 'user',
    user_middleware_module: 'user_middleware',
    client_module: 'client',
    user_auth_scheme_module: 'scheme',
    plugin_module: 'plugin',
  }
  return `port=${port}
bind_address="127.0.0.1"
external_url="${origin}"
login_url="login.html"
api_prefix="api"
static_files_path="/usr/share/glewlwyd/webapp/"
log_mode="console"
log_level="WARNING"
cookie_secure=1
session_key="GLEWLWYD2_SESSION_ID"
session_expiration=3600
admin_scope="g_admin"
profile_scope="g_profile"
${Object.entries(modules)
  .map(([name, folder]) => `${name}_path="/usr/lib/glewlwyd/${folder}"`)
  .join('\n')}
use_secure_connection=true
secure_connection_key_file="${key}"
secure_connection_pem_file="${cert}"
secure_connection_ca_file="${ca}"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "${database}"; };
`
}

async function untilUp(origin: string, ca: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (await ask(`${origin}/api/config`, ca).catch(() => null)) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error('glewlwyd does not answer')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}
