import { createHash, randomBytes } from 'node:crypto'

/** Answers to a proxy's 407 (RFC 9110 section 11.7): Basic (RFC 7617) and Digest (RFC 7616). NTLM and Negotiate are not spoken; who needs them is told what was offered. */
export type Credentials = { user: string; password: string }

export type Challenge = { scheme: string; parameters: ReadonlyMap<string, string> }

/** Of all `Proxy-Authenticate` lines. One line may hold several challenges, and commas separate both them and their parameters (RFC 9110 section 11.6.1). */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  const item = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g
  for (const line of lines) {
    let last: Map<string, string> | undefined
    for (const [, name = '', quoted, plain] of line.matchAll(item)) {
      const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
      if (value !== undefined) last?.set(name.toLowerCase(), value)
      else {
        last = new Map()
        challenges.push({ scheme: name.toLowerCase(), parameters: last })
      }
    }
  }
  return challenges
}

/** What the strongest challenge that we can answer asks for: Digest before Basic, SHA-256 before MD5. */
export type Answerable = { scheme: 'basic' } | { scheme: 'digest'; algorithm: DigestAlgorithm; parameters: ReadonlyMap<string, string> }
type DigestAlgorithm = 'SHA-256' | 'MD5'

export function chooseChallenge(challenges: readonly Challenge[]): Answerable | null {
  const digest = (algorithm: DigestAlgorithm): Answerable | undefined => {
    const found = challenges.find(({ scheme, parameters }) => scheme === 'digest' && canDigest(parameters, algorithm))
    return found && { scheme: 'digest', algorithm, parameters: found.parameters }
  }
  const basic = challenges.some(({ scheme }) => scheme === 'basic')
  return digest('SHA-256') ?? digest('MD5') ?? (basic ? { scheme: 'basic' } : null)
}

function canDigest(parameters: ReadonlyMap<string, string>, algorithm: DigestAlgorithm): boolean {
  const offered = parameters.get('qop')?.split(',') ?? []
  return (parameters.get('algorithm') ?? 'MD5').toUpperCase() === algorithm && parameters.has('nonce') && offered.some((qop) => qop.trim() === 'auth')
}

/** True where the proxy says that only the nonce was too old, not the password wrong. */
export function isStale(challenge: Answerable): boolean {
  return challenge.scheme === 'digest' && challenge.parameters.get('stale')?.toLowerCase() === 'true'
}

export type DigestRequest = { method: string; uri: string; count: number; clientNonce?: string }

/** The value of `Proxy-Authorization`. `count` says how often this nonce was used, with this time. */
export function answerChallenge(challenge: Answerable, { user, password }: Credentials, request: DigestRequest): string {
  if (challenge.scheme === 'basic') return `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  const { algorithm, parameters } = challenge
  const { method, uri, clientNonce = randomBytes(16).toString('hex') } = request
  const hash = (text: string) =>
    createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
      .update(text, 'utf8')
      .digest('hex')
  const realm = parameters.get('realm') ?? ''
  const nonce = parameters.get('nonce') ?? ''
  const opaque = parameters.get('opaque')
  const count = request.count.toString(16).padStart(8, '0')
  const response = hash([hash(`${user}:${realm}:${password}`), nonce, count, clientNonce, 'auth', hash(`${method}:${uri}`)].join(':'))
  const fields = [
    ...[`username=${quote(user)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`, `uri=${quote(uri)}`, `response="${response}"`],
    ...[`algorithm=${algorithm}`, 'qop=auth', `nc=${count}`, `cnonce="${clientNonce}"`, ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`])],
  ]
  return `Digest ${fields.join(', ')}`
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
