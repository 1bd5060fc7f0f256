import type { CDPSession } from 'playwright'
import type { Target } from './cdp.ts'
import { answerFromApp, fromWire } from './schemes.ts'

/** Every request of a page goes through here: the app's schemes are answered by the app, navigations are asked about first. */
type Paused = Parameters<Parameters<CDPSession['on']>[1]>[0] & {
  requestId: string
  frameId: string
  resourceType: string
  redirectedRequestId?: string
  request: { url: string; method: string; headers: Record<string, string> }
}
export type Navigation = { url: string; frameId: string; isRedirect: boolean }

export async function openRequests(target: Target, mayNavigate: (navigation: Navigation) => boolean): Promise<void> {
  target.on('Fetch.requestPaused', (paused) => void answer(paused as unknown as Paused).catch(() => undefined))
  await target.send('Fetch.enable', { patterns: [{ urlPattern: '*' }] })

  async function answer({ requestId, frameId, resourceType, redirectedRequestId, request }: Paused): Promise<unknown> {
    const url = fromWire(request.url)
    if (resourceType === 'Document' && !mayNavigate({ url, frameId, isRedirect: redirectedRequestId !== undefined }))
      return target.send('Fetch.failRequest', { requestId, errorReason: 'Aborted' })
    const response = await answerFromApp(url, request).catch((error: unknown) => {
      console.error('electron stand-in: the protocol handler failed:', error)
      return new Response('', { status: 500 })
    })
    if (!response) return target.send('Fetch.continueRequest', { requestId })
    const body = Buffer.from(await response.arrayBuffer()).toString('base64')
    const responseHeaders = [...response.headers].map(([name, value]) => ({ name, value }))
    return target.send('Fetch.fulfillRequest', { requestId, responseCode: response.status, responseHeaders, body })
  }
}
