import type { Handlers } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { selfSigned } from '@gantry/shared/node/certificates.ts'
import { generateSigningKey } from '@gantry/shared/node/signing.ts'
import { includesLevel } from '@gantry/shared/profile.ts'
import type { SessionCalls } from '@gantry/shared/session-api.ts'
import type { Hash, LegName } from '@gantry/shared/ticket.ts'
import type { Grant, SessionAuditLog, SessionReach } from './grant.ts'
import type { Legs } from './legs.ts'
import type { SessionRecord } from './record.ts'
import type { RestrictedQuestion } from './restricted-question.ts'
import type { TimeQuestions } from './time-question.ts'

/** The agent's half of `shared/session-api.ts`. */
export type SessionHandlersOptions = {
  grant: Grant
  startedMs: number
  time: TimeQuestions
  restricted: RestrictedQuestion
  used: { bytes: number; maxBytes: number } | null
  separated: boolean
  network: SessionReach
  userName: string
  auditLog: SessionAuditLog
  legs: Legs
  record: SessionRecord
  serveControl(leg: LegName): Promise<void>
  serveFiles(leg: LegName, identity: { certificatePem: string; keyPem: string }, clientCertificate: Hash): Promise<void>
  /** The specialist ends it. */
  end(): void
}

/** So that the answer is on its way before the connection says goodbye. */
const endDelayMs = 50

export function createSessionHandlers(options: SessionHandlersOptions): Handlers<SessionCalls, undefined> {
  const { grant, auditLog, legs, record } = options
  return {
    'session.describe': () => ({
      startedAt: options.startedMs,
      endsAt: options.time.endsMs(),
      separated: options.separated,
      network: options.network,
      used: options.used,
      user: options.userName,
      restricted: { paths: [...options.restricted.paths], open: options.restricted.isOpen() },
      head: auditLog.head(),
      auditKey: auditLog.publicJwk,
    }),
    async 'leg.open'(input) {
      if (input.kind === 'control') return { leg: legs.add('control', options.serveControl), certificate: null }
      if (!includesLevel(grant.request.access, 'files')) {
        record.refuse('files leg')
        throw new AppError('session.channel-refused')
      }
      const identity = await selfSigned(generateSigningKey())
      const leg = legs.add('files', (name) => options.serveFiles(name, identity, input.certificate))
      return { leg, certificate: identity.hash }
    },
    async 'head.exchange'({ head }) {
      await auditLog.witness(head, 'client')
      return { head: auditLog.head() }
    },
    'time.ask': async ({ minutes }) => ({ endsAt: await options.time.ask(minutes) }),
    async 'restricted.ask'() {
      await options.restricted.ask()
      return {}
    },
    'session.end'() {
      setTimeout(options.end, endDelayMs)
      return {}
    },
  }
}
