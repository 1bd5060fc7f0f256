import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSandboxSecrets } from '../../main/services/sandbox-secrets.ts'
import { makeProof } from '../../shared/node/dpop.ts'
import { generateSigningKey, newNonce, type SigningKey, signingKeyFrom } from '../../shared/node/signing.ts'
import { newStateFolder, oneDevice, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
import { createTestServer, type TestServer } from '../support/main-server.ts'
import { ask, exchange, proofKey, type Tokens } from '../support/sign-in-browser.ts'
import { enrolAgent, signedRequest, type TestAgent } from '../support/test-agent.ts'
import { codeOf, milliseconds, type Proof, quantile, type Row, row } from './proof.ts'
import { openShell, signIn, untilGone } from './revocation.ts'
import { allowAll, deviceId, openDriver } from './world/desk.ts'

export const tokens: Proof = {
  name: 'tokens',
  title: 'Stolen tokens open nothing, and their use is noticed',
  covers: ['D12', 'T4', 'R065'],
  method:
    'A real main server with its own provider (oidc-provider) on loopback TLS; each case is a whole sign-in through its pages. A thief has a copy of tokens without their key, of a code that was used, or of tokens and key: then the owner’s next refresh is what tells. An enrolled device that the test answers for has a session open each time and hears of its end in a held poll. At the end the same in the sandbox’s real processes, with a shell whose process is watched.',
  async run({ quick, say }) {
    const times = quick ? 3 : 100
    const server = await createTestServer()
    try {
      const agent = await enrolAgent(server, server.devices.mine)
      const rows = [await reuse(server, agent, times), ...(await withoutKey(server, times)), await codeTwice(server, times)]
      for (const { what, found } of rows) say(`${what}: ${found}`)
      return [...rows, await realShells(quick ? 2 : 20)]
    } finally {
      await server.close()
    }
  },
}

const boundMs = 5_000
const refresh = (server: TestServer, refresh_token: string, key: SigningKey | null = proofKey) =>
  exchange(server.origin, server.ca, { grant_type: 'refresh_token', refresh_token }, key)
const read = ({ text }: { text: string }) => JSON.parse(text) as Tokens & { error?: string }
const isDead = (server: TestServer, { access_token }: Tokens) =>
  server
    .client(access_token)
    .call('specialist.me', {})
    .then(
      () => false,
      (error: unknown) => codeOf(error) === 'auth.session-expired',
    )

async function reuse(server: TestServer, agent: TestAgent, times: number): Promise<Row> {
  const took: number[] = []
  let whole = 0
  const others: string[] = []
  for (let count = 0; count < times; count += 1) {
    const first = await server.signIn(server.people.elena)
    const requestId = await openSession(server, agent, first)
    const next = read(await refresh(server, first.refresh_token))
    const held = endOf(agent, requestId)
    const start = performance.now()
    const { error } = read(await refresh(server, first.refresh_token))
    const cause = await held
    took.push(performance.now() - start)
    const family = await Promise.all([
      isDead(server, first),
      isDead(server, next),
      refresh(server, next.refresh_token).then((answer) => read(answer).error === 'invalid_grant'),
    ])
    if (error === 'invalid_grant' && cause === 'revoked' && family.every(Boolean)) whole += 1
    else others.push(`${error}, ${cause}, ${family.join(' ')}`)
  }
  const found = `${[`${whole} of ${times}`, ...others].join('; ')}; the device hears it after p50 ${milliseconds(quantile(took, 0.5))}, longest ${milliseconds(Math.max(...took))}`
  return row(
    'a rotated refresh token used again: refused, the family revoked, its session ended',
    `${times} of ${times}, within 5 s`,
    found,
    whole === times && Math.max(...took) <= boundMs,
  )
}

async function openSession(server: TestServer, agent: TestAgent, { access_token }: Tokens): Promise<string> {
  const { signed } = await signedRequest(server, server.people.elena, server.devices.mine)
  await agent.poll({ handled: (await agent.poll()).map(({ id }) => id) })
  const { request } = await server.client(access_token).call('access-request.create', { request: signed, certificate: server.people.elena.certificate })
  await agent.poll({ handled: (await agent.poll()).map(({ id }) => id) })
  await agent.answer(request.ticket, { kind: 'picked-up', rule: 'ask', draw: newNonce(), hostKey: agent.hostKey })
  await agent.answer(request.ticket, { kind: 'approved', by: 'person', hostKey: agent.hostKey })
  await agent.report([{ kind: 'session.opened', actor: { kind: 'agent', id: agent.device.id }, requestId: request.id, deviceId: agent.device.id }])
  return request.id
}

async function endOf(agent: TestAgent, requestId: string): Promise<string> {
  // A held poll may be answered for something else first.
  for (const until = performance.now() + 20_000; performance.now() < until; ) {
    for (const delivery of await agent.poll({ holdMs: 20_000 })) if (delivery.kind === 'end' && delivery.requestId === requestId) return delivery.cause
  }
  return 'nothing'
}

const stranger = generateSigningKey()
const path = '/api/v1/specialist.me'

/** Of the access token at the API, and of the refresh token at the token endpoint. */
async function withoutKey(server: TestServer, times: number): Promise<Row[]> {
  const { access_token: token, refresh_token } = await server.signIn(server.people.elena)
  const url = new URL(path, server.origin)
  const send = async (scheme: string, dpop?: string) => {
    const headers = { 'content-type': 'application/json', authorization: `${scheme} ${token}`, ...(dpop ? { dpop } : {}) }
    return ask(url.href, server.ca, { method: 'POST', headers, body: '{}' })
  }
  const prove = (key: SigningKey, nonce: string, of: Partial<Parameters<typeof makeProof>[0]> = {}) =>
    makeProof({ method: 'POST', url, token, ...of }, key, nonce)
  const fresh = async () => String((await send('DPoP', await makeProof({ method: 'POST', url, token }, proofKey, undefined))).headers['dpop-nonce'])
  const thieves: ((nonce: string, spent: string) => ReturnType<typeof send>)[] = [
    () => send('DPoP'),
    () => send('Bearer'),
    async (nonce) => send('DPoP', await prove(stranger, nonce)),
    (_, spent) => send('DPoP', spent),
    async (nonce) => send('DPoP', await prove(proofKey, nonce, { url: new URL('/api/v1/device.list', server.origin) })),
    async (nonce) => send('DPoP', await prove(proofKey, nonce, { token: 'another-token-of-the-same-person' })),
  ]
  let [refused, good] = [0, 0]
  for (let count = 0; count < times; count += 1) {
    const nonce = await fresh()
    const spent = await prove(proofKey, nonce)
    if ((await send('DPoP', spent)).status === 200) good += 1
    const thief = thieves[count % thieves.length]
    if ((await thief?.(nonce, spent))?.status === 401) refused += 1
  }
  let atEndpoint = 0
  for (let count = 0; count < times; count += 1) {
    if (read(await refresh(server, refresh_token, count % 2 === 0 ? null : generateSigningKey())).error === 'invalid_grant') atEndpoint += 1
  }
  const still = (await refresh(server, refresh_token)).status === 200
  return [
    row(
      'an access token without its key: no proof, as Bearer, a proof by another key, spent, for another call or token',
      `${times} of ${times} refused`,
      `${refused} of ${times}`,
      refused === times,
    ),
    row('and with its key, each time before that', `${times} of ${times} answered`, `${good} of ${times}`, good === times),
    row('a refresh token without its key, or with another', `${times} of ${times} refused`, `${atEndpoint} of ${times}`, atEndpoint === times),
    row('and its owner’s refresh after all that', 'works', still ? 'works' : 'refused', still),
  ]
}

async function codeTwice(server: TestServer, times: number): Promise<Row> {
  let whole = 0
  for (let count = 0; count < times; count += 1) {
    const parameters = await server.visit(server.people.elena)
    const first = read(await exchange(server.origin, server.ca, parameters))
    const before = await isDead(server, first)
    const again = read(await exchange(server.origin, server.ca, parameters))
    const gone = (await isDead(server, first)) && read(await refresh(server, first.refresh_token)).error === 'invalid_grant'
    if (!before && again.error === 'invalid_grant' && gone) whole += 1
  }
  return row('a code used twice: refused, and the tokens that it gave revoked', `${times} of ${times}`, `${whole} of ${times}`, whole === times)
}

/** The thief has the whole entry of the secret store and refreshes; then the owner's copy is the one that was used before. */
async function realShells(times: number): Promise<Row> {
  const dir = newStateFolder()
  allowAll(dir)
  const sandbox = await startSandbox(dir, ...oneDevice)
  const { child, client } = openDriver([], dir, join(dir, 'driver.log'))
  const ca = readFileSync(sandbox.facts.ca, 'utf8')
  const took: number[] = []
  try {
    for (let count = 0; count < times; count += 1) {
      await signIn(sandbox)
      const { pid, requestId } = await openShell({ client })
      const { refreshToken, proofKey: pem } = JSON.parse((await createSandboxSecrets(dir).get('sign-in')) ?? '{}') as { refreshToken: string; proofKey: string }
      const use = async () =>
        read(await exchange(sandbox.facts.mainServer, ca, { grant_type: 'refresh_token', refresh_token: refreshToken }, signingKeyFrom(pem)))
      if ((await use()).error) throw new Error('the thief’s refresh was refused')
      if ((await use()).error !== 'invalid_grant') throw new Error('the second use was not refused')
      took.push(await untilGone(pid))
      await client.call('session.end', { requestId }).catch(() => undefined)
    }
  } finally {
    child.kill()
    await removeSandbox(sandbox)
  }
  const found = `p50 ${milliseconds(quantile(took, 0.5))}, longest ${milliseconds(Math.max(...took))}`
  return row(`${deviceId}, ${times} times: the shell’s process is gone after the second use`, '5 s', found, Math.max(...took) <= boundMs)
}
