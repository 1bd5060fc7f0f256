import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BulletinPayload } from '../shared/access-api.ts'
import { AppError } from '../shared/errors.ts'
import { bulletinMark } from '../shared/node/bulletin.ts'
import { createCa, issueServerCertificate } from '../shared/node/certificates.ts'
import { createDialler } from '../shared/node/dial.ts'
import { generateSigningKey, newNonce, type SigningKey, signJws } from '../shared/node/signing.ts'
import { type BulletinKey, type BulletinWord, createBulletinReader, pollRound } from './bulletin.ts'
import { realClock } from './clock.ts'
import { silentLog } from './log.ts'
import { memoryState } from './state-file.ts'

/** Access servers that hand out what they were given, over real TLS. */
const ticketKey = generateSigningKey()
const key = newNonce()
let ca: string
let identity: { cert: string; key: string }
const servers: Server[] = []

beforeEach(async () => {
  const made = await createCa('Test servers')
  const issued = await issueServerCertificate(made, { hosts: ['127.0.0.1'] })
  ca = made.certificatePem
  identity = { cert: issued.certificatePem, key: issued.keyPem }
})
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function hand(answer: { status: number; body: unknown }): Promise<{ host: string; port: number; asked: () => number }> {
  let asked = 0
  const server = createServer(identity, (request, response) => {
    if (request.method === 'GET' && request.url === '/bulletin') asked += 1
    response.writeHead(answer.status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(answer.body))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, asked: () => asked }
}

const now = () => Math.floor(Date.now() / 1_000)

async function bulletin(change: { calls?: boolean; issuedAt?: number; signer?: SigningKey } = {}): Promise<{ status: number; body: unknown }> {
  const { calls = true, issuedAt = now(), signer = ticketKey } = change
  const salt = newNonce()
  const payload: BulletinPayload = { version: 1, issuedAt, salt, marks: [bulletinMark(newNonce(), salt), bulletinMark(calls ? key : newNonce(), salt)] }
  return { status: 200, body: { bulletin: await signJws('bulletin', payload, signer) } }
}

function reader(accessServers: { host: string; port: number }[], kept: BulletinKey = { key }) {
  const file = memoryState(kept)
  const read = createBulletinReader({
    file,
    accessServers: () => accessServers,
    dial: createDialler({ ca }),
    ticketKeys: () => [ticketKey.publicJwk],
    clock: realClock,
    log: silentLog,
  })
  return { ...read, file, word: () => read.look(new AbortController().signal) }
}

describe('what a bulletin tells one device (R053: nothing is held open for it)', () => {
  test('that it is called, once for each bulletin; that there is nothing new', async () => {
    const answer = await bulletin()
    const { word } = reader([await hand(answer)])
    expect(await word()).toBe('called')
    expect(await word()).toBe('nothing-new')
    answer.body = (await bulletin({ issuedAt: now() + 1 })).body
    expect(await word()).toBe('called')
    answer.body = (await bulletin({ calls: false, issuedAt: now() + 2 })).body
    expect(await word()).toBe('nothing-new')
  })

  test.each([
    ['older than two minutes', () => bulletin({ issuedAt: now() - 130 })],
    ['from the future', () => bulletin({ issuedAt: now() + 126 })],
    ['signed by somebody else', () => bulletin({ signer: generateSigningKey() })],
    ['something else', async () => ({ status: 200, body: { bulletin: await signJws('ticket', { version: 1 }, ticketKey) } })],
    ['no JSON of ours', async () => ({ status: 200, body: { more: true } })],
    ['none', async () => ({ status: 503, body: { code: 'server.unreachable' } })],
  ])('one that is %s says nothing, and the next access server is asked', async (_what, bad) => {
    const [first, second] = [await hand(await bad()), await hand(await bulletin({ calls: false }))]
    expect(await reader([first]).word()).toBe(null)
    expect(await reader([first, second]).word()).toBe('nothing-new')
    expect([first.asked(), second.asked()]).toEqual([2, 1])
  })

  test('without a key nobody is asked, and a key that is told is kept', async () => {
    const server = await hand(await bulletin())
    const { word, remember, file } = reader([server], { key: null })
    expect(await word()).toBe(null)
    expect(server.asked()).toBe(0)
    remember(undefined)
    remember(key)
    expect(file.value).toEqual({ key })
    expect(await word()).toBe('called')
  })
})

describe('a poll where the main server may be out of reach', () => {
  const away = () => new AppError('server.unreachable')

  async function round(answers: (number | Error)[], { names = 2, word = 'called' as BulletinWord | null } = {}) {
    const said: (BulletinWord | null)[] = []
    let polls = 0
    let looks = 0
    const poll = async () => {
      const answer = answers[polls++]
      if (typeof answer === 'number') return answer
      throw answer
    }
    const look = async () => {
      looks += 1
      return word
    }
    const result = await pollRound({ poll, names, look, onWord: (one) => said.push(one) }).catch((error: unknown) => error)
    return { result: result instanceof AppError ? result.code : result, polls, looks, said }
  }

  test('that is answered asks no access server', async () => {
    expect(await round([3])).toEqual({ result: 3, polls: 1, looks: 0, said: [null] })
  })

  test('that fails goes on under every other name at once when it is called, and each only once', async () => {
    expect(await round([away(), away(), 5])).toEqual({ result: 5, polls: 3, looks: 1, said: ['called', null] })
    expect(await round([away(), away(), away(), 5])).toEqual({ result: 'server.unreachable', polls: 3, looks: 1, said: ['called'] })
  })

  test('that fails is a failed poll when there is nothing new, or nobody knows: its pace stays (R051)', async () => {
    expect(await round([away(), 1], { word: 'nothing-new' })).toEqual({ result: 'server.unreachable', polls: 1, looks: 1, said: ['nothing-new'] })
    expect(await round([away(), 1], { word: null })).toEqual({ result: 'server.unreachable', polls: 1, looks: 1, said: [null] })
  })

  test('a main server that refuses is in reach', async () => {
    expect(await round([new AppError('device.unknown'), 1])).toEqual({ result: 'device.unknown', polls: 1, looks: 0, said: [null] })
    expect(await round([away(), new AppError('audit.unavailable'), 1])).toEqual({ result: 'audit.unavailable', polls: 2, looks: 1, said: ['called'] })
  })
})
