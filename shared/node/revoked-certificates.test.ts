import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import type { Hash } from '../ticket.ts'
import { certificateHash, createCa, issueServerCertificate } from './certificates.ts'
import { createDialler } from './dial.ts'
import { refuseRevoked } from './revoked-certificates.ts'

// R061: revoked peers are refused before any application byte is sent; the list comes with the next poll (server-keys.test.ts).

const ca = await createCa('Test servers')
const issued = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
const heard: Buffer[] = []
const server = createServer({ cert: issued.certificatePem, key: issued.keyPem }, (socket) =>
  socket.on('data', (chunk) => heard.push(chunk)).on('error', () => {}),
)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => void server.close())

test('a server whose certificate the list revokes is left at once, by a resumed TLS session too, and told once', async () => {
  const told: string[] = []
  let revoked: Hash[] = []
  const { dial, lookAgain } = refuseRevoked(createDialler({ ca: ca.certificatePem }), {
    revoked: () => revoked,
    onRefused: ({ certificate }) => told.push(certificate),
  })
  const target = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  const first = await dial(target)
  const [session] = (await once(first, 'session')) as [Buffer]
  first.destroy()
  const stranger = await dial({ ...target, session: Buffer.from(session) })
  expect(stranger.isSessionReused()).toBe(false)
  stranger.destroy()

  const other = await issueServerCertificate(ca, { hosts: ['127.0.0.1'] })
  revoked = [certificateHash(other.certificatePem)]
  const resumed = await dial({ ...target, session })
  expect(resumed.isSessionReused()).toBe(true)
  resumed.destroy()
  const before = await dial(target)

  const mark = certificateHash(issued.certificatePem)
  revoked = [mark]
  for (const one of [target, { ...target, session }])
    await expect(dial(one)).rejects.toMatchObject({ code: 'server.certificate-revoked', details: { host: '127.0.0.1' } })
  expect(told).toEqual([mark])

  // What was open before the list came is not left open.
  expect(before.destroyed).toBe(false)
  lookAgain()
  expect(before.destroyed).toBe(true)
  expect(heard).toEqual([])
})
