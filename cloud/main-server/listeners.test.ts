import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCa, issueServerCertificate } from '../../shared/node/certificates.ts'
import { createDialler } from '../../shared/node/dial.ts'
import { generateSigningKey, privatePem } from '../../shared/node/signing.ts'
import { tlsPolicy } from '../../shared/node/tls.ts'
import { createTestServer, type TestServer } from '../../test/support/main-server.ts'
import { agentClient, enrolAgent, plainPoll } from '../../test/support/test-agent.ts'

// R061: a server's certificate changes while it serves, and nobody is cut.

let server: TestServer
beforeAll(async () => {
  server = await createTestServer()
})
afterAll(() => server.close())

const newCa = await createCa('The next servers')
const path = (name: string) => join(server.stateDir, '..', name)
const events = (kind: string) =>
  readFileSync(join(server.stateDir, 'audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"kind":"${kind}"`))

async function dial(origin: string, ca: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(origin).port), ca })
  await once(socket, 'secureConnect')
  return socket
}

/** One request and its answer on a connection that stays open. */
async function health(socket: TLSSocket): Promise<string> {
  socket.write(`GET /healthz HTTP/1.1\r\nhost: ${new URL(server.origin).host}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString().split('\r\n')[0] ?? ''
}

test('both listeners agree on keys by X25519MLKEM768 with a client that can, and by X25519 with one that cannot (R060)', async () => {
  const agreed = async (origin: string, ecdhCurve?: string) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(origin).port), ca: server.ca, ...tlsPolicy, ...(ecdhCurve ? { ecdhCurve } : {}) })
    await once(socket, 'secureConnect')
    const { name } = socket.getEphemeralKeyInfo() as { name: string }
    socket.destroy()
    return name
  }
  for (const origin of [server.origin, server.agentOrigin]) {
    expect(await agreed(origin)).toBe('X25519MLKEM768')
    expect(await agreed(origin, 'X25519')).toBe('X25519')
  }
})

describe('a new server certificate', () => {
  test('is what new connections see, while an open one goes on, and devices still have to show theirs', async () => {
    const agent = await enrolAgent(server, server.devices.mine)
    const open = await dial(server.origin, server.ca)
    expect(await health(open)).toBe('HTTP/1.1 200 OK')

    const { certificatePem, keyPem } = await issueServerCertificate(newCa, { hosts: ['127.0.0.1'] })
    writeFileSync(path('tls.pem'), certificatePem)
    writeFileSync(path('tls.key'), keyPem)
    await expect.poll(() => events('server.certificate-taken').length).toBe(1)

    for (const origin of [server.origin, server.agentOrigin]) await expect(dial(origin, server.ca)).rejects.toThrow()
    const fresh = await dial(server.origin, newCa.certificatePem)
    expect([await health(fresh), await health(open)]).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK'])
    for (const socket of [fresh, open]) socket.destroy()

    const renewed = { agentOrigin: server.agentOrigin, dial: createDialler({ ca: newCa.certificatePem }) }
    const poll = (identity: { cert?: string; key?: string }) => agentClient(renewed, identity).call('device.poll', plainPoll(server.now()))
    await expect(poll({ cert: agent.certificate, key: privatePem(agent.key) })).resolves.toMatchObject({ deliveries: expect.any(Array) })
    await expect(poll({})).rejects.toMatchObject({ code: expect.stringMatching(/^server\./) })
  })

  test('that does not belong to the key is refused, and the one before stays in use', async () => {
    const before = readFileSync(path('tls.key'), 'utf8')
    writeFileSync(path('tls.key'), privatePem(generateSigningKey()))
    await expect.poll(() => events('server.certificate-refused')).toEqual([expect.stringContaining('"why":"pair"')])
    const socket = await dial(server.origin, newCa.certificatePem)
    expect(await health(socket)).toBe('HTTP/1.1 200 OK')
    socket.destroy()
    writeFileSync(path('tls.key'), before)
  })
})
