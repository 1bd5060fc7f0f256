import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Ca, issueServerCertificate } from '../../shared/node/certificates.ts'

export type ReceivedPost = { path: string; type: string | undefined; body: string }
export type WebhookReceiver = { origin: string; posts: ReceivedPost[]; close(): Promise<void> }

/** A customer's own HTTPS server on loopback. `answer` says 204 unless told otherwise. */
export async function openWebhookReceiver(
  ca: Ca,
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.writeHead(204).end(),
): Promise<WebhookReceiver> {
  const { certificatePem: cert, keyPem: key } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  const posts: ReceivedPost[] = []
  const server = createServer({ cert, key }, async (request, response) => {
    posts.push({ path: request.url ?? '', type: request.headers['content-type'], body: await text(request) })
    answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posts,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
