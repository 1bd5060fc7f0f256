import type { PageFiles } from '@gantry/shared/node/page-files.ts'
import type { Protocol } from 'electron'

export const pageOrigin = 'app://gantry'
export const pageUrl = `${pageOrigin}/index.html`

/** Before the app is ready: `app:` behaves as https does (origin, storage, policy), so that `'self'` in the policy means this window's files and nothing else. */
export const pageScheme = { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: false, codeCache: true } }

export function servePage(protocol: Protocol, files: PageFiles): void {
  protocol.handle('app', (request) => {
    const url = new URL(request.url)
    const file = request.method === 'GET' && url.origin === pageOrigin ? files.get(url.pathname) : null
    if (!file) return new Response('not found', { status: 404 })
    return new Response(new Uint8Array(file.body), { headers: file.headers })
  })
}

/** True for the page that we serve, in the main frame of a window. Anything else that speaks to us is not ours. */
export function isOurPage(frame: { url: string; parent: unknown } | null): boolean {
  return frame !== null && frame.parent === null && frame.url.split(/[?#]/, 1)[0] === pageUrl
}
