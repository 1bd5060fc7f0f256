import { readUpdate } from '../../../main/services/main-server/updates.ts'
import { openProvider } from '../../../main/services/sign-in/provider.ts'
import { createFeed } from '../../../main/services/updates/feed.ts'
import { judgeManifest } from '../../../main/services/updates/judge.ts'
import { agentApi } from '../../../shared/agent-api.ts'
import { clientApi, WellKnown } from '../../../shared/client-api.ts'
import { AppError } from '../../../shared/errors.ts'
import { newId } from '../../../shared/ids.ts'
import { LicensedManifest, licensedManifestName, licensedPath } from '../../../shared/licensed-software.ts'
import { createApiClient, getJson, openEventStream } from '../../../shared/node/api-client.ts'
import { createHttpsFetch } from '../../../shared/node/https-fetch.ts'
import { createPublishedFeed } from '../../../shared/node/published-feed.ts'
import { generateSigningKey, newNonce, sha256, signJws, signTextNow } from '../../../shared/node/signing.ts'
import { whyStale } from '../../../shared/published-file.ts'
import { devices, events, history, specialist } from '../../window/support/fixtures.ts'
import { createPeople } from '../people.ts'
import { plainPoll } from '../test-agent.ts'
import type { Decoder, Example } from './decoder.ts'
import { dialTo, httpAnswer } from './wires.ts'

const origin = 'https://main.example.com'
const nowMs = 1_800_000_000_000
const json = (value: unknown) => Buffer.from(JSON.stringify(value))
const good = (value: unknown) => json({ ok: true, value })
const refusal = json({ ok: false, failure: { code: 'access.not-trained', details: { device: 'MR 2', seconds: 4 } } })

/** As bodies in a right answer, and as `… raw`: the whole answer, head and all. */
function bothWays(bodies: readonly Example[]): Example[] {
  return bodies.flatMap(({ kind, bytes }) => [
    { kind, bytes },
    { kind: `${kind} raw`, bytes: httpAnswer(bytes) },
  ])
}

/** A client whose server says whatever it is given. */
function listener() {
  let said: Buffer = Buffer.alloc(0)
  const hear = (bytes: Buffer, kind: string) => {
    said = kind.endsWith(' raw') ? bytes : httpAnswer(bytes)
  }
  return { dial: dialTo(() => said), hear }
}

/** What the main server answers an agent: deliveries, lists of keys, a certificate. */
export async function openPollReply(): Promise<Decoder> {
  const people = createPeople(nowMs / 1_000)
  const { delivery } = await people.request({ deviceId: newId('dev'), deviceKey: people.session.publicJwk })
  const requestId = newId('req')
  const content = (await people.roster()).text
  const deliveries = [
    delivery,
    ...[
      { id: newId('dlv'), kind: 'reveal', requestId, nonce: newNonce() },
      { id: newId('dlv'), kind: 'end', requestId, cause: 'case-closed' },
    ],
    { id: newId('dlv'), kind: 'data-file', name: 'roster', version: 3, sha256: sha256(content), content },
    { id: newId('dlv'), kind: 'maintenance', action: 'diagnostics.collect', input: { logLines: 3 }, notBefore: 1, notAfter: 2 },
  ]
  const reply = { deliveries, serverTimeMs: nowMs, bulletinKey: newNonce(), serverKeys: delivery.ticket, authorityKeys: [delivery.certificate] }
  const { dial, hear } = listener()
  const client = createApiClient(agentApi, { origin, dial, prefix: '/agent/v1/', keepAlive: false })
  return {
    examples: bothWays([
      ...[good(reply), good({ deliveries: [], serverTimeMs: nowMs }), refusal].map((bytes) => ({ kind: 'poll', bytes })),
      { kind: 'renewal', bytes: good({ certificate: '-----BEGIN CERTIFICATE-----', deviceCa: 'PEM' }) },
    ]),
    async decode(bytes, kind) {
      hear(bytes, kind)
      if (kind.startsWith('renewal')) await client.call('device.renew', { certificateRequest: 'PEM' })
      else await client.call('device.poll', plainPoll(nowMs))
      return 'accepted'
    },
    close: () => client.close(),
  }
}

/** What the main server answers the desktop client. */
export function openClientAnswers(): Decoder {
  const key = generateSigningKey().publicJwk
  const known = { name: 'Norvane', version: '0.1.0', issuer: `${origin}/oidc`, clientId: 'gantry-desktop', ticketKey: key, deviceCa: 'PEM', auditKey: key }
  const { dial, hear } = listener()
  const client = createApiClient(clientApi, { origin, dial, prefix: '/api/v1/', keepAlive: false })
  const me = { specialist, mfaAtMs: nowMs, mfaStaleFor: ['os'], certificate: null, supportContacts: [{ region: 'EU', phone: '+49', mail: 'a@example.com' }] }
  return {
    examples: bothWays([
      { kind: 'device.list', bytes: good({ devices: devices.slice(0, 3), serverTimeMs: nowMs }) },
      { kind: 'access-request.list', bytes: good({ requests: history.slice(0, 3) }) },
      ...[good(me), refusal].map((bytes) => ({ kind: 'specialist.me', bytes })),
      { kind: 'well-known', bytes: json({ ...known, sandbox: false, timeMs: nowMs }) },
    ]),
    async decode(bytes, kind) {
      hear(bytes, kind)
      const name = kind.replace(/ raw$/, '')
      if (name === 'well-known') await getJson({ origin, dial }, WellKnown, { path: '/.well-known/gantry' })
      else await client.call(name as 'device.list', {})
      return 'accepted'
    },
    close: () => client.close(),
  }
}

/** The stream of updates: accepted where one was understood before it broke. */
export function openUpdateStream(): Decoder {
  const { dial, hear } = listener()
  const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  const all = [
    event('device.changed', devices[0]),
    event('access-request.changed', history[0]),
    event('session.activity', { requestId: newId('req'), event: events[0] }),
    `: comment\n\n${event('sign-in.ended', { why: 'disabled' })}`,
    event('device.list-changed', {}).replaceAll('\n', '\r\n'),
  ]
  return {
    examples: bothWays([...all, all.join('')].map((text) => ({ kind: 'updates', bytes: Buffer.from(text) }))),
    async decode(bytes, kind) {
      hear(bytes, kind)
      let understood = false
      try {
        for await (const { event: name, data } of openEventStream({ origin, dial, path: '/api/v1/updates' })) understood ||= readUpdate(name, data) !== null
      } catch (error) {
        if (!understood || !(error instanceof AppError)) throw error
      }
      return 'accepted'
    },
  }
}

/** A manifest of the desktop client's updates, as text, and rightly signed with an odd content. */
export async function openUpdateManifest(): Promise<Decoder> {
  const key = generateSigningKey()
  const target = { channel: 'stable', platform: 'linux', arch: 'x64' } as const
  const file = { format: 'deb', name: 'gantry_1.4.0_amd64.deb', bytes: 90_000_000, sha512: 'A'.repeat(86) }
  const image = { format: 'AppImage', name: 'Gantry-1.4.0.AppImage', bytes: 95_000_000, sha512: 'B'.repeat(86) }
  const [issuedAt, expiresAt] = [nowMs / 1_000, nowMs / 1_000 + 86_400]
  const manifest = {
    ...target,
    version: 1,
    serial: 9,
    release: '1.4.0',
    minimum: '1.2.0',
    files: [file, image],
    percentage: 50,
    halted: false,
    issuedAt,
    expiresAt,
  }
  const { dial, hear } = listener()
  const updates = createFeed({ origin, dial, key: key.publicJwk })
  const standing = { installed: '1.3.0', target, format: 'deb', serial: 8, installation: 'one', nowMs } as const
  return {
    examples: [
      ...bothWays([{ kind: 'manifest', bytes: Buffer.from(await signJws('update', manifest, key)) }]),
      ...[manifest, { ...manifest, halted: true }, { ...manifest, minimum: '1.4.0' }].map((said) => ({ kind: 'payload', bytes: json(said) })),
    ],
    async decode(bytes, kind) {
      if (kind === 'payload') hear(Buffer.from(signTextNow('update', bytes.toString('utf8'), key.privateKey)), kind)
      else hear(bytes, kind)
      const verdict = judgeManifest(await updates.manifest(target, new AbortController().signal), standing)
      return verdict.kind === 'refused' ? verdict.code : 'accepted'
    },
  }
}

/** A manifest of a licensed feature's software, in the same ways. */
export async function openLicensedManifest(): Promise<Decoder> {
  const key = generateSigningKey()
  const file = { name: 'dose-reports-1.0.0.bin', bytes: 90_000_000, sha512: 'A'.repeat(86) }
  const times = { issuedAt: nowMs / 1_000, expiresAt: nowMs / 1_000 + 86_400 }
  const manifest = { version: 1, serial: 9, feature: 'dose-reports', release: '1.4.0', file, ...times }
  const { dial, hear } = listener()
  const feed = createPublishedFeed({ origin, dial })
  const expected = { type: 'licensed-software', schema: LicensedManifest, key: key.publicJwk, failure: 'update.manifest-bad' } as const
  return {
    examples: [
      ...bothWays([{ kind: 'manifest', bytes: Buffer.from(await signJws('licensed-software', manifest, key)) }]),
      { kind: 'payload', bytes: json(manifest) },
    ],
    async decode(bytes, kind) {
      if (kind === 'payload') hear(Buffer.from(signTextNow('licensed-software', bytes.toString('utf8'), key.privateKey)), kind)
      else hear(bytes, kind)
      const { manifest: read } = await feed.manifest(licensedPath('dose-reports', licensedManifestName), expected, new AbortController().signal)
      return whyStale(read, { serial: 8, nowMs })?.code ?? 'accepted'
    },
  }
}

/** What an OpenID provider says: its metadata, and what it answers to a refresh. */
export function openSignInAnswers(): Decoder {
  const issuer = `${origin}/oidc`
  const metadata = {
    ...{
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      revocation_endpoint: `${issuer}/revoke`,
    },
    ...{ response_types_supported: ['code'], dpop_signing_alg_values_supported: ['ES256'], authorization_response_iss_parameter_supported: true },
  }
  const tokens = { access_token: 'one', token_type: 'DPoP', refresh_token: 'two', expires_in: 300, scope: 'openid' }
  const proofKey = generateSigningKey()
  return {
    examples: bothWays([
      { kind: 'metadata', bytes: json(metadata) },
      ...[tokens, { error: 'invalid_grant', error_description: 'over' }].map((said) => ({ kind: 'tokens', bytes: json(said) })),
    ]),
    async decode(bytes, kind) {
      const said = kind.endsWith(' raw') ? bytes : httpAnswer(bytes, { status: bytes.includes('"error"') ? 400 : 200 })
      const answers = kind.startsWith('metadata') ? [said] : [httpAnswer(json(metadata)), said]
      const fetch = createHttpsFetch({ origins: [origin], dial: dialTo(() => answers.shift() ?? httpAnswer(json({}))) })
      const provider = await openProvider({ issuer, clientId: 'gantry-desktop' }, fetch, () => nowMs)
      if (kind.startsWith('tokens')) await provider.refresh({ refreshToken: 'one', proofKey })
      else await provider.begin({ language: 'en', replaces: null }, async (state) => `http://127.0.0.1:1/callback?state=${state}`)
      return 'accepted'
    },
  }
}
