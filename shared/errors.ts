/**
 * Every failure that a person can meet. The code is the contract; the words are in `words/`.
 * `status` is the HTTP status, `exit` the command line's exit code:
 * 1 failed, 2 usage, 3 refused, 4 not signed in, 5 unreachable.
 */
export const errorCodes = {
  'auth.not-signed-in': { status: 401, exit: 4 },
  'auth.session-expired': { status: 401, exit: 4 },
  'auth.proof-bad': { status: 401, exit: 4 },
  'auth.sign-in-copied': { status: 401, exit: 4 },
  'auth.signed-in-elsewhere': { status: 401, exit: 4 },
  'auth.other-person': { status: 403, exit: 3 },
  'auth.locked': { status: 403, exit: 4 },
  'auth.wrong-credentials': { status: 401, exit: 3 },
  'auth.code-used': { status: 401, exit: 3 },
  'auth.passkey-refused': { status: 401, exit: 3 },
  'auth.throttled': { status: 429, exit: 3 },
  'auth.cancelled': { status: 400, exit: 1 },
  'auth.callback-refused': { status: 400, exit: 1 },
  'auth.provider-unreachable': { status: 503, exit: 5 },
  'auth.provider-refused': { status: 403, exit: 3 },
  'auth.provider-answer-bad': { status: 502, exit: 3 },
  'auth.no-account': { status: 403, exit: 3 },
  'auth.second-factor-missing': { status: 403, exit: 3 },
  'auth.keychain-missing': { status: 500, exit: 1 },
  'auth.keys-missing': { status: 403, exit: 4 },
  'auth.keys-waiting': { status: 403, exit: 4 },
  'auth.pin-needed': { status: 403, exit: 4 },
  'auth.pin-wrong': { status: 403, exit: 3 },
  'auth.pin-blocked': { status: 429, exit: 3 },
  'auth.pin-short': { status: 400, exit: 2 },
  'auth.certificate-expired': { status: 403, exit: 4 },

  'access.mfa-stale': { status: 403, exit: 4 },
  'access.person-disabled': { status: 403, exit: 4 },
  'access.device-disabled': { status: 403, exit: 3 },
  'access.not-entitled': { status: 403, exit: 3 },
  'access.terms-missing': { status: 403, exit: 3 },
  'access.call-not-paid': { status: 403, exit: 3 },
  'access.not-screened': { status: 403, exit: 3 },
  'access.plan-not-acknowledged': { status: 403, exit: 3 },
  'access.posture': { status: 403, exit: 3 },
  'access.not-trained': { status: 403, exit: 3 },
  'access.country-not-allowed': { status: 403, exit: 3 },
  'access.tier-not-allowed': { status: 403, exit: 3 },
  'access.escalation-needed': { status: 403, exit: 3 },
  'access.contact-missing': { status: 403, exit: 3 },
  'access.contact-refused': { status: 403, exit: 3 },
  'access.contact-no-answer': { status: 403, exit: 3 },
  'access.notice-undelivered': { status: 403, exit: 3 },
  'access.too-many-notices': { status: 429, exit: 3 },
  'access.change-missing': { status: 403, exit: 3 },
  'access.quiet-hours': { status: 403, exit: 3 },
  'access.connectivity-off': { status: 403, exit: 3 },
  'access.level-not-allowed': { status: 403, exit: 3 },
  'access.second-key-missing': { status: 403, exit: 3 },
  'access.restricted-open': { status: 403, exit: 3 },
  'access.patient-data': { status: 403, exit: 3 },
  'access.profile-narrowed': { status: 403, exit: 3 },
  'access.reason-too-long': { status: 413, exit: 2 },
  'access.too-many-open': { status: 429, exit: 3 },
  'access.replayed': { status: 409, exit: 3 },
  'access.signature-bad': { status: 403, exit: 3 },
  'access.certificate-bad': { status: 403, exit: 3 },
  'access.roster-stale': { status: 403, exit: 3 },
  'access.roster-missing': { status: 403, exit: 3 },
  'access.commitment-bad': { status: 403, exit: 3 },
  'access.clock-off': { status: 403, exit: 3 },
  'access.refused': { status: 403, exit: 3 },
  'access.no-answer': { status: 403, exit: 3 },
  'access.code-wrong': { status: 403, exit: 3 },
  'access.policy-denied': { status: 403, exit: 3 },
  'access.policy-unusable': { status: 403, exit: 3 },
  'access.panel-missing': { status: 403, exit: 3 },
  'access.rate-limited': { status: 429, exit: 3 },
  'access.cancelled': { status: 409, exit: 3 },
  'access.expired': { status: 410, exit: 3 },
  'access.interrupted': { status: 409, exit: 5 },
  'access.no-access-server': { status: 503, exit: 5 },
  'access.unknown': { status: 404, exit: 1 },
  'access.wrong-state': { status: 409, exit: 1 },

  'case.unknown': { status: 404, exit: 3 },
  'case.closed': { status: 409, exit: 3 },
  'case.not-held': { status: 403, exit: 3 },
  'case.not-allowed': { status: 403, exit: 3 },
  'case.colleague-unknown': { status: 404, exit: 2 },
  'case.ambiguous': { status: 409, exit: 2 },

  'device.unknown': { status: 404, exit: 3 },
  'device.two-places': { status: 409, exit: 3 },
  'device.offline': { status: 409, exit: 5 },
  'device.ambiguous': { status: 409, exit: 2 },
  'device.answer-bad': { status: 403, exit: 3 },
  'device.host-key-wrong': { status: 403, exit: 3 },

  'ticket.bad': { status: 403, exit: 3 },
  'ticket.expired': { status: 403, exit: 3 },
  'ticket.spent': { status: 403, exit: 3 },

  'leg.refused': { status: 403, exit: 3 },
  'leg.peer-missing': { status: 504, exit: 5 },
  'leg.replaced': { status: 409, exit: 5 },
  'leg.busy': { status: 503, exit: 5 },
  'leg.draining': { status: 503, exit: 5 },

  'access-server.unknown': { status: 403, exit: 3 },
  'access-server.facts-differ': { status: 409, exit: 3 },

  'session.ended': { status: 410, exit: 3 },
  'session.unknown': { status: 404, exit: 1 },
  'session.too-many-connections': { status: 429, exit: 3 },
  'session.channel-refused': { status: 403, exit: 3 },
  'session.time-limit': { status: 403, exit: 3 },
  'session.restricted-asked': { status: 409, exit: 3 },
  'session.restricted-none': { status: 409, exit: 3 },
  'session.terminal-unread': { status: 409, exit: 3 },
  'session.time-asked': { status: 409, exit: 3 },

  'file.not-found': { status: 404, exit: 1 },
  'file.exists': { status: 409, exit: 1 },
  'file.denied': { status: 403, exit: 3 },
  'file.outside-root': { status: 403, exit: 3 },
  'file.name-not-allowed': { status: 400, exit: 2 },
  'file.too-large': { status: 413, exit: 3 },
  'file.disk-full': { status: 507, exit: 1 },
  'file.changed': { status: 409, exit: 1 },
  'file.digest-differs': { status: 409, exit: 1 },
  'file.not-a-file': { status: 409, exit: 1 },
  'file.not-a-folder': { status: 409, exit: 1 },
  'file.not-empty': { status: 409, exit: 1 },
  'file.path-closed': { status: 403, exit: 3 },
  'file.restricted': { status: 403, exit: 3 },
  'file.direction-closed': { status: 403, exit: 3 },
  'file.cancelled': { status: 409, exit: 1 },
  'file.failed': { status: 500, exit: 1 },

  'transfer.unknown': { status: 404, exit: 1 },
  'transfer.not-received': { status: 409, exit: 1 },
  'transfer.no-desktop': { status: 409, exit: 1 },

  'action.unknown': { status: 404, exit: 2 },
  'action.not-allowed': { status: 403, exit: 3 },
  'action.failed': { status: 500, exit: 1 },

  'enrol.code-bad': { status: 403, exit: 3 },
  'enrol.authority-mismatch': { status: 403, exit: 3 },
  'enrol.request-bad': { status: 400, exit: 3 },

  'authority.officer-unknown': { status: 404, exit: 2 },
  'authority.officer-known': { status: 409, exit: 2 },
  'authority.same-officer': { status: 403, exit: 3 },
  'authority.too-few-officers': { status: 409, exit: 3 },
  'authority.passphrase-wrong': { status: 403, exit: 3 },
  'authority.passphrase-short': { status: 400, exit: 2 },
  'authority.state-older': { status: 409, exit: 3 },
  'authority.published-missing': { status: 409, exit: 3 },
  'authority.person-unknown': { status: 404, exit: 2 },
  'authority.person-known': { status: 409, exit: 3 },
  'authority.request-bad': { status: 403, exit: 3 },
  'authority.fingerprint-differs': { status: 403, exit: 3 },

  'audit.unavailable': { status: 503, exit: 1 },
  'audit.broken': { status: 500, exit: 1 },

  'server.unreachable': { status: 503, exit: 5 },
  'server.identity-wrong': { status: 502, exit: 5 },
  'server.certificate-revoked': { status: 502, exit: 5 },
  'server.keys-bad': { status: 502, exit: 5 },
  'server.keys-stale': { status: 502, exit: 5 },
  'server.answer-bad': { status: 502, exit: 5 },
  'server.proxy-refused': { status: 502, exit: 5 },
  'proxy.setting-bad': { status: 500, exit: 2 },
  'server.not-allowed': { status: 403, exit: 3 },

  'policy.passkey-refused': { status: 403, exit: 3 },
  'policy.key-wrong': { status: 403, exit: 3 },
  'policy.setting-bad': { status: 400, exit: 2 },
  'policy.unusable': { status: 409, exit: 3 },

  'update.key-wrong': { status: 403, exit: 3 },
  'update.published': { status: 409, exit: 3 },
  'update.manifest-bad': { status: 403, exit: 3 },
  'update.not-for-us': { status: 403, exit: 3 },
  'update.older': { status: 409, exit: 3 },
  'update.expired': { status: 410, exit: 3 },
  'update.none': { status: 404, exit: 1 },
  'update.file-bad': { status: 409, exit: 3 },
  'update.unsupported': { status: 409, exit: 1 },
  'update.not-ready': { status: 409, exit: 1 },
  'update.install-failed': { status: 500, exit: 1 },

  'state.in-use': { status: 409, exit: 1 },
  'state.unreadable': { status: 500, exit: 1 },
  'state.unwritable': { status: 500, exit: 1 },
  'port.busy': { status: 409, exit: 1 },
  'prerequisite.missing': { status: 500, exit: 1 },
  'sandbox.not-running': { status: 503, exit: 5 },
  'panel.nothing-waiting': { status: 404, exit: 1 },
  'panel.unknown-device': { status: 404, exit: 2 },

  'contract.bad-input': { status: 400, exit: 2 },
  'contract.unknown-name': { status: 404, exit: 1 },
  'contract.too-large': { status: 413, exit: 2 },
  'usage.bad': { status: 400, exit: 2 },
  'usage.not-in-package': { status: 400, exit: 2 },
  internal: { status: 500, exit: 1 },
} as const satisfies Record<string, { status: number; exit: 1 | 2 | 3 | 4 | 5 }>

export type ErrorCode = keyof typeof errorCodes
/** Facts that the words may repeat: numbers, names, codes. Never a secret, never a device's own text unescaped. */
export type ErrorDetails = Record<string, string | number>
export type Failure = { code: ErrorCode; details?: ErrorDetails }
export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure }

/** A failure with a code of the catalogue. The cause stays for the log and never crosses a border. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails | undefined

  constructor(code: ErrorCode, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(code, { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value)
}

/** Nobody answered who may: what was asked for may be there all the same, under another name or later. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof AppError && unreachable.has(error.code)
}

const unreachable: ReadonlySet<ErrorCode> = new Set(['server.unreachable', 'server.identity-wrong', 'server.certificate-revoked', 'server.proxy-refused'])

export function toFailure(error: unknown): Failure {
  if (!(error instanceof AppError)) return { code: 'internal' }
  return error.details ? { code: error.code, details: error.details } : { code: error.code }
}

/** The failure that crossed a border, as an error again. An unknown code (an older or newer peer) becomes `server.answer-bad`. */
export function fromFailure(failure: { code: string; details?: ErrorDetails | undefined }): AppError {
  if (!isErrorCode(failure.code)) return new AppError('server.answer-bad', { details: { code: failure.code.slice(0, 60) } })
  return new AppError(failure.code, failure.details ? { details: failure.details } : {})
}
