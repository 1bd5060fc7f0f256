import { type ApprovalPayload, judgeApproval } from '../../../agent/access/second-key.ts'
import { proveSignatures } from '../../../agent/access/signatures.ts'
import { judgeWithdrawal } from '../../../agent/access/withdrawal.ts'
import { Statement } from '../../../authority/statement.ts'
import { checkAdmission, checkOpening } from '../../../cloud/access-server/admit.ts'
import { BeatPayload } from '../../../shared/access-api.ts'
import { Delivery } from '../../../shared/agent-api.ts'
import { pinnedAuthority } from '../../../shared/authority-keys.ts'
import { parse } from '../../../shared/contract.ts'
import { Policy } from '../../../shared/device-policy.ts'
import { newId } from '../../../shared/ids.ts'
import { followAuthority, namedAuthorityKeys, splitAuthorityStatements, statementsFor } from '../../../shared/node/authority-keys.ts'
import { bulletinMark, readCalls } from '../../../shared/node/bulletin.ts'
import { checkCertification, signCertification } from '../../../shared/node/certification.ts'
import { checkProof, makeProof } from '../../../shared/node/dpop.ts'
import { checkServerKeys } from '../../../shared/node/server-keys.ts'
import { policyText, readPolicyText, statementOf } from '../../../shared/node/signed-policy.ts'
import {
  generateSigningKey,
  newNonce,
  readUnverified,
  type SigningKey,
  sha256,
  signJws,
  signTextNow,
  thumbprint,
  verifyJws,
} from '../../../shared/node/signing.ts'
import { checkCertificate, checkRoster, checkTicket } from '../../../shared/node/ticket.ts'
import { AnswerPayload, type JwsType, SignedRequest, TicketPayload } from '../../../shared/ticket.ts'
import { createPeople } from '../people.ts'
import type { Decoder, Example } from './decoder.ts'

const now = 1_800_000_000
const text = (bytes: Buffer) => bytes.toString('utf8')
const json = (value: unknown) => Buffer.from(JSON.stringify(value))

/** How a paper is checked where it arrives, and one that holds. */
type Paper = { type: JwsType; key: SigningKey; payload: unknown; check(jws: string): unknown }

async function makePapers() {
  const people = createPeople(now)
  const [device, server, mine] = [generateSigningKey(), generateSigningKey(), generateSigningKey()]
  const deviceId = newId<never>('dev')
  const asked = await people.request({ deviceId, deviceKey: device.publicJwk })
  const proven = { ticket: asked.ticket, certificate: people.person, request: asked.request }
  const { authority, ticketKey, specialist } = people
  const { requestHash, id: ticketId } = asked.ticket
  const [nonce, bulletinKey, salt] = [newNonce(), newNonce(), newNonce()]
  const place = { version: 1, ticketId, side: 'agent', leg: 'control-1', epoch: 1, accessServer: 'access-1' }
  const opening = { version: 1 as const, ticket: asked.delivery.ticket, side: 'agent' as const, leg: 'control-1', epoch: 1, link: 1 as const }
  const opened = { ticket: asked.ticket, opening }
  const list = { version: 1, number: 3, issuedAt: now, ticketKeys: [{ key: ticketKey.publicJwk, until: null }], deviceCas: [newNonce()], revoked: [newNonce()] }
  const succession = { version: 1, number: 4, issuedAt: now, by: authority.publicJwk, key: mine.publicJwk, until: now + 1_000, next: null }
  const load = { legs: 3, maxLegs: 100, pairs: 1, cpu: 0.2, loop: 0.1 }
  const ref = { name: 'access-1', site: 'East', host: '127.0.0.1', port: 8443 }
  const beat = { version: 1, to: thumbprint(ticketKey.publicJwk), server: ref, region: 'ca-east', atMs: now * 1_000, draining: false, load }
  const answers = [
    { kind: 'picked-up', rule: 'ask', draw: nonce, hostKey: 'ecdsa-sha2-nistp256 AAAA' },
    { kind: 'refused', code: 'access.refused', details: { seconds: 3, what: 'person' } },
  ]
  const [approved, bulletin] = [newId<never>('req'), { version: 1, issuedAt: now, salt, marks: [bulletinMark(bulletinKey, salt), 'A'.repeat(22)] }]
  const papers: Record<string, Paper> = {
    ticket: { type: 'ticket', key: ticketKey, payload: asked.ticket, check: (jws) => checkTicket(jws, [ticketKey.publicJwk], now) },
    opening: {
      ...{ type: 'ticket', key: ticketKey, payload: asked.ticket },
      check: (jws) => checkOpening({ ...opening, ticket: jws }, { name: 'access-1', ticketKeys: () => [ticketKey.publicJwk], now, joinedAt: () => undefined }),
    },
    admission: { type: 'admission', key: device, payload: { ...place, nonce }, check: (jws) => checkAdmission(jws, opened, { name: 'access-1', nonce }) },
    certificate: { type: 'certificate', key: authority, payload: people.person, check: (jws) => checkCertificate(jws, [authority.publicJwk], now) },
    roster: { type: 'roster', key: authority, payload: (await people.roster()).payload, check: (jws) => checkRoster(jws, authority.publicJwk) },
    'server-keys': { type: 'server-keys', key: authority, payload: list, check: (jws) => checkServerKeys(jws, authority.publicJwk) },
    'authority-key': { type: 'authority-key', key: authority, payload: succession, check: (jws) => followed(jws, authority) },
    bulletin: {
      ...{ type: 'bulletin', key: ticketKey, payload: bulletin },
      check: (jws) => readCalls(jws, { ticketKeys: [ticketKey.publicJwk], key: bulletinKey, now }),
    },
    withdrawal: {
      ...{ type: 'withdrawal', key: specialist },
      payload: { version: 1, requestId: asked.request.id, deviceId, specialistId: people.person.specialistId, kind: 'end', at: now },
      check: async (jws) => ((await judgeWithdrawal(jws, proven)).by === 'specialist' ? 'accepted' : 'unsigned'),
    },
    approval: {
      ...{ type: 'approval', key: mine },
      payload: { version: 1, requestHash, requestId: asked.request.id, deviceId, at: now } satisfies ApprovalPayload,
      check: async (jws) => ((await judgeApproval(jws, proven, [device.publicJwk, mine.publicJwk])) ? 'accepted' : 'no-approval'),
    },
    beat: {
      type: 'beat',
      key: server,
      payload: beat,
      check: (jws) => verifyJws(jws, { type: 'beat', schema: BeatPayload, key: server.publicJwk, failure: 'access-server.unknown' }),
    },
    answer: {
      ...{ type: 'answer', key: device },
      payload: { version: 1, requestId: approved, ticketId, ticketHash: sha256('ticket'), deviceId, at: now, answer: answers[0] },
      check: (jws) => verifyJws(jws, { type: 'answer', schema: AnswerPayload, key: device.publicJwk, failure: 'device.answer-bad' }),
    },
    refusal: {
      ...{ type: 'answer', key: device },
      payload: { version: 1, requestId: approved, ticketId, ticketHash: sha256('ticket'), deviceId, at: now, answer: answers[1] },
      check: (jws) => verifyJws(jws, { type: 'answer', schema: AnswerPayload, key: device.publicJwk, failure: 'device.answer-bad' }),
    },
  }
  return { papers, people, device, deviceId, asked }
}

/** The list of statements as it is carried, with what each may lead to. */
async function followed(carried: string, { publicJwk: key }: SigningKey): Promise<string> {
  const statements = splitAuthorityStatements(carried)
  namedAuthorityKeys(statements)
  statementsFor(statements, { key: thumbprint(key), number: 0 })
  return (await followAuthority(pinnedAuthority(key), statements)).followed.length > 0 ? 'accepted' : 'not-followed'
}

/**
 * Everything that one party signs and another checks. As text: whoever stands between them changes it. As `… payload`: the signer itself says something odd, rightly signed, so that the
 * content is reached.
 */
export async function openPapers(): Promise<Decoder> {
  const { papers, people, device, deviceId, asked } = await makePapers()
  const entries = Object.entries(papers)
  const texts = await Promise.all(
    entries.map(async ([kind, { type, payload, key }]): Promise<Example> => ({ kind, bytes: Buffer.from(await signJws(type, payload, key)) })),
  )
  const payloads = entries.map(([kind, { payload }]): Example => ({ kind: `${kind} payload`, bytes: json(payload) }))
  const trust = { ticketKeys: () => [people.ticketKey.publicJwk], authorityKeys: () => [people.authority.publicJwk], deviceId, deviceKey: device.publicJwk }
  const certification = await signCertification(certificationOf(people), { specialist: people.specialist, support: people.support })
  const request = { method: 'POST', url: new URL('https://main.example.com/api/v1/device.list'), token: 'a token' }
  const proof = await makeProof(request, device, newNonce(), now * 1_000)
  return {
    examples: [
      ...[...texts, ...payloads, { kind: 'delivery', bytes: json(asked.delivery) }, { kind: 'certification', bytes: json(certification) }],
      { kind: 'proof', bytes: Buffer.from(proof) },
    ],
    async decode(bytes, kind) {
      if (kind === 'delivery') {
        const delivery = parse(Delivery, fromJson(bytes), 'delivery')
        if (delivery.kind !== 'access-request') return 'another-kind'
        await proveSignatures(delivery, trust, now)
      } else if (kind === 'certification') await checkCertification(parse(SignedRequest, fromJson(bytes), 'request'), now)
      else if (kind === 'proof') await checkProof(text(bytes), request, thumbprint(device.publicJwk))
      else return wordOf(await checkPaper(papers, bytes, kind))
      return 'accepted'
    },
  }
}

function certificationOf({ person: { expiresAt: _, ...person } }: ReturnType<typeof createPeople>) {
  return { ...person, issuedAt: now }
}

async function checkPaper(papers: Record<string, Paper>, bytes: Buffer, kind: string): Promise<unknown> {
  const paper = papers[kind.replace(/ payload$/, '')]
  if (!paper) throw new Error(`no paper ${kind}`)
  const jws = kind.endsWith(' payload') ? signTextNow(paper.type, text(bytes), paper.key.privateKey) : text(bytes)
  return paper.check(jws)
}

const wordOf = (outcome: unknown) => (typeof outcome === 'string' ? outcome : 'accepted')

/** Where JSON has been read by whoever carries it, what is none never comes so far. */
function fromJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(text(bytes))
  } catch {
    return undefined
  }
}

/** What is read before anybody knows who signed it, and the customer's policy file, which has a form of its own. */
export async function openPolicyFile(): Promise<Decoder> {
  const [owner, signer] = [generateSigningKey(), generateSigningKey()]
  const policies = [
    { version: 1 },
    {
      version: 1,
      rules: { diagnostics: 'allow', files: 'ask', application: 'ask', os: 'deny' },
      countries: ['CA'],
      requestsPerHour: 3,
      approvers: [
        signer.publicJwk,
        { kind: 'passkey', credentialId: newNonce(), publicKey: signer.publicJwk, rpId: 'localhost', origin: 'http://localhost:27451' },
      ],
    },
  ]
  const statements = policies.map((policy) => statementOf(Policy.parse(policy), { serial: 7, device: null, owner: owner.publicJwk, nowMs: now * 1_000 }))
  const statement = { version: 1, authority: newNonce(), logId: newId('log'), seq: 3, at: now, number: 4, act: { kind: 'roster' } }
  const ticket = (await makePapers()).papers.ticket?.payload
  return {
    examples: [
      ...statements.flatMap((said) => [
        { kind: 'policy', bytes: Buffer.from(policyText(said, owner)) },
        { kind: 'policy', bytes: json({ signature: 'a..b', statement: said }) },
      ]),
      { kind: 'statement', bytes: Buffer.from(await signJws('statement', statement, owner)) },
      { kind: 'ticket', bytes: Buffer.from(await signJws('ticket', ticket, owner)) },
    ],
    decode(bytes, kind) {
      if (kind === 'statement') readUnverified(text(bytes), Statement, 'authority.request-bad')
      else if (kind === 'ticket') readUnverified(text(bytes), TicketPayload, 'ticket.bad')
      else {
        const read = readPolicyText(text(bytes))
        if (read.kind === 'fault') return read.fault
        return read.isSignedBy(owner.publicJwk) || read.isSignedBy(read.statement.owner) ? 'accepted' : 'signature'
      }
      return 'accepted'
    },
  }
}
