import { bulletinPath } from '@gantry/shared/access-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { checkPath, checkProtocol, Opening, tunnelPath, tunnelProtocol } from '@gantry/shared/leg.ts'

/**
 * The one HTTP request that a connection may make (RFC 9112). Read strictly: what two parsers could read in two ways is refused, since a proxy in front
 * may be the other one (request smuggling, RFC 9112 section 11.2).
 */
export type Asked = { what: 'health' } | { what: 'bulletin' } | { what: 'check' } | { what: 'tunnel'; opening: Opening }

const maxHeaders = 40

/** Throws `contract.bad-input {name: 'opening', field}` or, for another path or method, `contract.unknown-name`. */
export function parseOpeningHead(head: Buffer): Asked {
  const [first = '', ...lines] = head.toString('latin1').split('\r\n')
  const [method, target, version, ...rest] = first.split(' ')
  if (version !== 'HTTP/1.1' || rest.length > 0) throw bad('request-line')
  const headers = parseHeaders(lines)
  // No request here has a body; one that announces a body would make its bytes tunnel bytes.
  if (headers.has('content-length') || headers.has('transfer-encoding')) throw bad('body')
  if (!headers.has('host')) throw bad('host')
  if (method === 'GET' && target === '/healthz') return { what: 'health' }
  if (method === 'GET' && target === bulletinPath) return { what: 'bulletin' }
  if (method === 'GET' && target === checkPath) {
    requireUpgrade(headers, checkProtocol)
    return { what: 'check' }
  }
  if (method !== 'GET' || target !== tunnelPath) throw new AppError('contract.unknown-name', { details: { name: 'request' } })
  requireUpgrade(headers, tunnelProtocol)
  return { what: 'tunnel', opening: parseOpening(headers.get('gantry-opening') ?? '') }
}

function requireUpgrade(headers: Map<string, string>, protocol: string): void {
  if (headers.get('upgrade') !== protocol) throw bad('upgrade')
  if (headers.get('connection')?.toLowerCase() !== 'upgrade') throw bad('connection')
}

function parseHeaders(lines: string[]): Map<string, string> {
  if (lines.length > maxHeaders) throw bad('headers')
  const headers = new Map<string, string>()
  for (const line of lines) {
    // field-name is a token, and no space may stand before the colon (section 5.1); visible ASCII and spaces in the value are all we use.
    const [, name, value] = /^([A-Za-z0-9-]{1,64}):[ \t]*([\x20-\x7e]*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw bad('header')
    const key = name.toLowerCase()
    if (headers.has(key)) throw bad(key)
    headers.set(key, value)
  }
  return headers
}

function parseOpening(text: string): Opening {
  try {
    if (!/^[A-Za-z0-9_-]+$/.test(text)) throw new Error('not base64url')
    return Opening.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
  } catch (error) {
    throw bad('gantry-opening', error)
  }
}

function bad(field: string, cause?: unknown): AppError {
  return new AppError('contract.bad-input', { details: { name: 'opening', field }, cause })
}
