import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createCa, issueServerCertificate } from '@gantry/shared/node/certificates.ts'
import { afterEach, describe, expect, test } from 'vitest'
import { totp } from './totp.ts'
import { walkSignIn } from './walk.ts'

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

const credentials = { username: 'a.tremblay', password: 'correct horse battery', totpSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }

type Answer = (request: { method: string; path: string; form: URLSearchParams; cookie: string }, response: ServerResponse) => void

async function listen(server: Server | ReturnType<typeof createHttpServer>): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return (server.address() as AddressInfo).port
}

/** Pages behind real TLS, and the loopback listener they lead back to. */
async function createPages(answer: (callback: string) => Answer) {
  const ca = await createCa('test')
  const { certificatePem: cert, keyPem: key } = await issueServerCertificate(ca, { hosts: ['127.0.0.1'], days: 1 })
  const brought: string[] = []
  const callback = await listen(createHttpServer((request, response) => response.end(void brought.push(request.url ?? ''))))
  const reply = answer(`http://127.0.0.1:${callback}/callback`)
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request))
    reply({ method: request.method ?? '', path: request.url ?? '', form, cookie: request.headers.cookie ?? '' }, response)
  }
  const port = await listen(createServer({ cert, key }, (request, response) => void handle(request, response)))
  return { link: `https://127.0.0.1:${port}/authorize`, ca: ca.certificatePem, brought }
}

const page = (response: ServerResponse, fields: string, failure?: object) => {
  response.writeHead(failure ? 401 : 200, failure ? { 'gantry-failure': JSON.stringify(failure) } : {})
  response.end(`<form method="post">${fields}</form>`)
}
const redirect = (response: ServerResponse, to: string, cookie = '') => response.writeHead(303, { location: to, ...(cookie && { 'set-cookie': cookie }) }).end()

describe('the sandbox’s sign-in goes through the same pages as a person (R065)', () => {
  test('password, then code, with the cookies that the pages set, back to the listener', async () => {
    const seen: string[] = []
    const { link, ca, brought } = await createPages((callback) => ({ method, path, form, cookie }, response) => {
      if (path === '/authorize') return redirect(response, '/sign-in/1', 'session=one; HttpOnly')
      if (method === 'POST') seen.push([...form.keys()].join(), cookie)
      if (method === 'POST' && form.has('password')) return redirect(response, '/sign-in/1', 'step=code')
      if (method === 'POST') return redirect(response, `${callback}?code=${form.get('code')}`)
      page(
        response,
        cookie.includes('step=code') ? '<input name="code">' : '<input type="hidden" name="csrf" value="x"><input name="username"><input name="password">',
      )
    })
    await walkSignIn(link, { credentials, ca, onWait: () => undefined, now: () => 59_000 })
    expect(seen).toEqual(['csrf,username,password', 'session=one', 'code', 'session=one; step=code'])
    expect(brought).toEqual([`/callback?code=${totp(credentials.totpSecret, 59_000)}`])
  })

  test('a code that was used already: it waits for the next step and says so', async () => {
    let nowMs = 40_000
    let used = 0
    const waits: number[] = []
    const { link, ca, brought } = await createPages((callback) => ({ method, form }, response) => {
      if (method === 'POST' && used++ === 0) return page(response, '<input name="code">', { code: 'auth.code-used', details: { seconds: 20 } })
      if (method === 'POST') return redirect(response, `${callback}?code=${form.get('code')}`)
      page(response, '<input name="code">')
    })
    const wait = async (ms: number) => {
      nowMs += ms
    }
    await walkSignIn(link, { credentials, ca, onWait: (seconds) => waits.push(seconds), now: () => nowMs, wait })
    expect(waits).toEqual([20])
    expect(brought).toEqual([`/callback?code=${totp(credentials.totpSecret, 60_000)}`])
  })

  test('another refusal is thrown with its code', async () => {
    const { link, ca } = await createPages(
      () =>
        ({ method }, response) =>
          page(response, '<input name="password">', method === 'POST' ? { code: 'auth.wrong-credentials' } : undefined),
    )
    await expect(walkSignIn(link, { credentials, ca, onWait: () => undefined })).rejects.toMatchObject({ code: 'auth.wrong-credentials' })
  })

  test('a redirect to somewhere else is not followed, so that no password goes there', async () => {
    const { link, ca } = await createPages(() => (_, response) => redirect(response, 'https://elsewhere.example/sign-in'))
    await expect(walkSignIn(link, { credentials, ca, onWait: () => undefined })).rejects.toMatchObject({ code: 'server.answer-bad' })
  })

  test('pages that never end are given up', async () => {
    const { link, ca } = await createPages(() => (_, response) => redirect(response, '/again'))
    await expect(walkSignIn(link, { credentials, ca, onWait: () => undefined })).rejects.toMatchObject({ code: 'server.answer-bad' })
  })

  test('a server of another CA gets nothing', async () => {
    const { link } = await createPages(() => (_, response) => page(response, ''))
    const other = await createCa('other')
    await expect(walkSignIn(link, { credentials, ca: other.certificatePem, onWait: () => undefined })).rejects.toMatchObject({ code: 'server.unreachable' })
  })
})

describe('TOTP (RFC 6238 appendix B, six digits)', () => {
  test.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('at %i s: %s', (seconds, code) => {
    expect(totp(credentials.totpSecret, seconds * 1_000)).toBe(code)
  })
})
