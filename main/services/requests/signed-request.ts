import { requestLimits } from '@gantry/shared/access-request.ts'
import { parse } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { newId, type RequestId } from '@gantry/shared/ids.ts'
import { commitmentTo } from '@gantry/shared/node/matching-code.ts'
import { generateSigningKey, newNonce, type SigningKey, signJws, signRequest } from '@gantry/shared/node/signing.ts'
import { type CompactJws, type Hash, RequestPayload, type SignedRequest, type WithdrawalPayload } from '@gantry/shared/ticket.ts'
import type { AskInput, SpecialistKeys } from '../services.ts'

/** A request with all that only this workstation knows of it: the session's private key and the nonce C that it committed to. */
export type OwnRequest = { payload: RequestPayload; signed: SignedRequest; sessionKey: SigningKey; nonce: Hash }

/** Errors: `access.reason-too-long`, `contract.bad-input` for text that the person at the device could not read as it was typed. */
export async function makeRequest(
  input: AskInput,
  keys: SpecialistKeys,
  { now, sessionKey = generateSigningKey() }: { now: number; sessionKey?: SigningKey | undefined },
): Promise<OwnRequest> {
  if (input.reason.length > requestLimits.maxReasonCharacters) {
    throw new AppError('access.reason-too-long', { details: { characters: input.reason.length, maxCharacters: requestLimits.maxReasonCharacters } })
  }
  const nonce = newNonce()
  const payload = parse(
    RequestPayload,
    {
      version: 1,
      id: newId<RequestId>('req'),
      deviceId: input.deviceId,
      specialistId: keys.payload.specialistId,
      access: input.access,
      serviceKind: input.serviceKind,
      reason: input.reason,
      caseId: input.caseId,
      minutes: input.minutes,
      sessionKey: sessionKey.publicJwk,
      commitment: commitmentTo(nonce),
      issuedAt: Math.floor(now / 1_000),
    },
    'request.start',
  )
  return { payload, signed: await signRequest(payload, keys), sessionKey, nonce }
}

/** Takes a request back, or ends its session, in this person's name (R062). `now` in milliseconds. */
export async function signWithdrawal(
  { id, deviceId, kind }: Pick<RequestPayload, 'id' | 'deviceId'> & Pick<WithdrawalPayload, 'kind'>,
  { specialist, payload }: Pick<SpecialistKeys, 'specialist' | 'payload'>,
  now: number,
): Promise<CompactJws> {
  const { specialistId } = payload
  const withdrawal: WithdrawalPayload = { version: 1, requestId: id, deviceId, specialistId, kind, at: Math.floor(now / 1_000) }
  return signJws('withdrawal', withdrawal, specialist)
}
