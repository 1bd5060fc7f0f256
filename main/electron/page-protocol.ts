import type { PageFiles } from '@gantry/shared/node/page-files.ts'
import type { Protocol } from 'electron'

const pageOrigin = 'app://gantry'
export const pageUrl = `${pageOrigin}/index.html`

/** Before the app is ready: `app:` behaves as https does (origin, storage, policy), so that `'self'` in the policy means this window's files and nothing else. */
export const pageScheme = { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: false, codeCache: true } }

export function servePage(protocol: Pick<Protocol, 'handle'>, files: PageFiles): void {
  protocol.handle('app', (request) => {
    const file = request.method === 'GET' && isOurOrigin(request.url) ? files.get(new URL(request.url).pathname) : null
    if (!file) return new Response('not found', { status: 404 })
    return new Response(new Uint8Array(file.body), { headers: file.headers })
  })
}

/** Of an address or an origin. By its parts: to Node, whose URL does not know that the scheme was registered, every `app:` address has the origin "null". */
export function isOurOrigin(address: string): boolean {
  const url = URL.parse(address)
  return url !== null && url.protocol === 'app:' && url.host === 'gantry' && url.username === '' && url.password === ''
}

/** The one page that is ever shown, with whatever fragment. */
export function isOurAddress(address: string): boolean {
  return address.split(/[?#]/, 1)[0] === pageUrl
}
