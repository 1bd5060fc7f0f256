import type { AccessRequestView } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { checkDeviceCertificate } from '@gantry/shared/node/certificates.ts'
import { sha256, thumbprint, verifyJws } from '@gantry/shared/node/signing.ts'
import { AnswerPayload, type CompactJws, type PublicJwk, type TicketPayload } from '@gantry/shared/ticket.ts'

/**
 * What the device said, in its own signed words. The main server carries them and may hold them back; it cannot make one, take one from another request or
 * device, or change one (architecture 3.5: its word alone counts for nothing).
 */
export type Expectation = { ticketText: CompactJws; ticket: TicketPayload; deviceCa: string }
export type DeviceAnswer = AnswerPayload['answer']

/** The answers beyond the first `known`, each verified for exactly this request. Errors: `device.answer-bad`. */
export async function readAnswers(
  view: Pick<AccessRequestView, 'answers' | 'deviceCertificate'>,
  known: number,
  expected: Expectation,
): Promise<DeviceAnswer[]> {
  const fresh = view.answers.slice(known)
  if (fresh.length === 0) return []
  const key = deviceKey(view.deviceCertificate, expected)
  const read: DeviceAnswer[] = []
  for (const jws of fresh) {
    const answer = await verifyJws(jws, { type: 'answer', schema: AnswerPayload, key, failure: 'device.answer-bad' })
    requireOurs(answer, expected)
    read.push(answer.answer)
  }
  return read
}

/** The certificate chains to the device CA, names the device that we asked for, and holds the key that the ticket names. */
function deviceKey(certificatePem: string, { ticket, deviceCa }: Expectation): PublicJwk {
  const { deviceId, publicJwk } = checkDeviceCertificate(certificatePem, deviceCa, 'device.answer-bad')
  if (deviceId !== ticket.deviceId || thumbprint(publicJwk) !== thumbprint(ticket.deviceKey))
    throw new AppError('device.answer-bad', { details: { what: 'key' } })
  return publicJwk
}

function requireOurs(answer: AnswerPayload, { ticket, ticketText }: Expectation): void {
  const ours =
    answer.requestId === ticket.requestId && answer.ticketId === ticket.id && answer.deviceId === ticket.deviceId && answer.ticketHash === sha256(ticketText)
  if (!ours) throw new AppError('device.answer-bad', { details: { what: 'request' } })
}

/** How far the device's answers have brought a request. They come in one order, each once; everything else is refused. */
export type AnswerState = {
  pickedUp: Extract<DeviceAnswer, { kind: 'picked-up' }> | null
  asking: Extract<DeviceAnswer, { kind: 'asking' }> | null
  end: Extract<DeviceAnswer, { kind: 'approved' | 'refused' }> | null
}
export const noAnswers: AnswerState = { pickedUp: null, asking: null, end: null }

export function takeAnswer(state: AnswerState, answer: DeviceAnswer): AnswerState {
  if (state.end) throw bad('after-the-end')
  switch (answer.kind) {
    case 'picked-up':
      if (state.pickedUp) throw bad('picked-up-twice')
      return { ...state, pickedUp: answer }
    case 'asking':
      if (!state.pickedUp || state.asking || state.pickedUp.rule === 'allow') throw bad('asking')
      return { ...state, asking: answer }
    case 'approved':
      // A person's yes needs the question before it, a policy's yes needs a rule that allows; and the host key may not change on the way.
      if (!state.pickedUp || answer.by !== (state.pickedUp.rule === 'allow' ? 'policy' : 'person')) throw bad('approved')
      if (answer.by === 'person' && !state.asking) throw bad('approved')
      if (answer.hostKey !== state.pickedUp.hostKey) throw new AppError('device.host-key-wrong')
      return { ...state, end: answer }
    case 'refused':
      return { ...state, end: answer }
  }
}

function bad(what: string): AppError {
  return new AppError('device.answer-bad', { details: { what } })
}
