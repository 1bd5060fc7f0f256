import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { canonicalJson } from '@gantry/shared/canonical-json.ts'
import type { Approver, PasskeyApprover } from '@gantry/shared/device-policy.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { DeviceId, RequestId } from '@gantry/shared/ids.ts'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { sha256, thumbprint, verifyJws } from '@gantry/shared/node/signing.ts'
import { Hash } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { isSignedByPasskey, PasskeyAssertion } from './passkey.ts'
import type { Proven } from './signatures.ts'

/**
 * The hospital's own signature on a request, beside the vendor's ticket (decision 20). The device lays what is asked for into a folder beside its policy and waits there for
 * an approval by one of the keys or passkeys that the policy pins; whoever carries it there, by hand or by the hospital's own means, no server of ours does, and none can make one.
 */
export const ApprovalPayload = z.strictObject({
  version: z.literal(1),
  /** Of the very request, as both of the specialist's keys signed it: who, level, reason, case, minutes, session key. */
  requestHash: Hash,
  requestId: RequestId,
  deviceId: DeviceId,
  /** Unix seconds. */
  at: z.number().int().positive(),
})
export type ApprovalPayload = z.infer<typeof ApprovalPayload>

/** As a passkey signs it: the challenge of its assertion is the hash of this payload's one text (decision 34). */
export const PasskeyApproval = z.strictObject({ version: z.literal(1), kind: z.literal('passkey'), payload: ApprovalPayload, assertion: PasskeyAssertion })
export type PasskeyApproval = z.infer<typeof PasskeyApproval>

/** What lies in the folder to be approved. `payload` is what the hash is over, so that the tool shows what it signs. */
export const WaitingApproval = z.strictObject({
  version: z.literal(1),
  payload: z.string().max(12_000),
  name: z.string().max(80),
  employer: z.string().max(80),
})
export type WaitingApproval = z.infer<typeof WaitingApproval>

export const approvalsIn = (policyFile: string) => join(dirname(policyFile), 'approvals')
export const waitingFile = (folder: string, requestId: RequestId) => join(folder, `${requestId}.json`)
/** What approves it: a compact JWS by a key, or the JSON of a `PasskeyApproval`. */
export const approvalFile = (folder: string, requestId: RequestId) => join(folder, `${requestId}.approval`)

export type SecondKeyWith = {
  folder: string
  proven: Proven
  /** The request's payload as it was signed, base64url. */
  payload: string
  approvers: readonly Approver[]
  waitMs: number
  clock: Clock
  signal: AbortSignal
}

const lookEveryMs = 250
const maxBytes = 4_000

/** Resolves with the approver's key and the approval as it was signed. Throws `access.second-key-missing` after `waitMs`, or the signal's reason. An approval that does not hold is none. */
export async function requireSecondKey({
  folder,
  proven,
  payload,
  approvers,
  waitMs,
  clock,
  signal,
}: SecondKeyWith): Promise<{ approver: Hash; approval: string }> {
  const { request, certificate } = proven
  const [waiting, approval] = [waitingFile(folder, request.id), approvalFile(folder, request.id)]
  const untilMs = clock.elapsed() + waitMs
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeJsonFile(waiting, { version: 1, payload, name: certificate.name, employer: certificate.employer } satisfies WaitingApproval)
    while (clock.elapsed() < untilMs) {
      signal.throwIfAborted()
      const text = readSmall(approval)
      const approver = text === null ? null : await judgeApproval(text, proven, approvers)
      if (approver && text !== null) return { approver, approval: text }
      await clock.sleep(lookEveryMs, signal)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new AppError('access.second-key-missing', { cause: error })
  } finally {
    for (const path of [waiting, approval]) drop(path)
  }
  throw new AppError('access.second-key-missing')
}

/** Pure but for the signature: whose approval of this very request it is, or null. An approver's hash is that of its public key (RFC 7638). */
export async function judgeApproval(text: string, { request, ticket }: Proven, approvers: readonly Approver[]): Promise<Hash | null> {
  const isMeant = (said: ApprovalPayload) => said.requestHash === ticket.requestHash && said.requestId === request.id && said.deviceId === request.deviceId
  const byPasskey = readPasskeyApproval(text)
  for (const approver of approvers) {
    if (isPasskey(approver)) {
      if (byPasskey && isMeant(byPasskey.payload) && isSignedByPasskey(byPasskey.assertion, approver, challengeOf(byPasskey.payload)))
        return thumbprint(approver.publicKey)
      continue
    }
    const said = await verifyJws(text, { type: 'approval', schema: ApprovalPayload, key: approver, failure: 'access.second-key-missing' }).catch(() => null)
    if (said && isMeant(said)) return thumbprint(approver)
  }
  return null
}

export const isPasskey = (approver: Approver): approver is PasskeyApprover => 'kind' in approver

/** What a passkey is asked to sign: SHA-256 of the payload as RFC 8785 writes it, base64url. */
export function challengeOf(payload: ApprovalPayload): Hash {
  return sha256(canonicalJson(payload))
}

function readPasskeyApproval(text: string): PasskeyApproval | null {
  try {
    return PasskeyApproval.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** What is signed for what lies in the folder. */
export function approvalOf({ payload }: WaitingApproval, request: { id: RequestId; deviceId: DeviceId }, nowMs: number): ApprovalPayload {
  const requestHash = sha256(Buffer.from(payload, 'base64url'))
  return { version: 1, requestHash, requestId: request.id, deviceId: request.deviceId, at: Math.floor(nowMs / 1_000) }
}

/** What stays is worth nothing: it is for this request alone, and that is spent. */
function drop(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // The folder is not one, or cannot be written.
  }
}

function readSmall(path: string): string | null {
  try {
    const stat = statSync(path)
    return stat.isFile() && stat.size <= maxBytes ? readFileSync(path, 'utf8').trim() : null
  } catch {
    return null
  }
}
