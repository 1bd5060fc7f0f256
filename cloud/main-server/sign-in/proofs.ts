import { createHmac, randomBytes } from 'node:crypto'
import { AppError } from '@gantry/shared/errors.ts'
import { checkProof, type ProvenRequest } from '@gantry/shared/node/dpop.ts'

export type Proofs = {
  /** Throws `auth.proof-bad`. `tell` gets the headers of the answer where the client needs a newer nonce. */
  require(proof: unknown, request: ProvenRequest & { jkt: string }, tell: (headers: Record<string, string>) => void): Promise<void>
}

const stepMs = 60_000

/**
 * Which proofs still count. A nonce is good in its minute and the next, and only with this process, so what is remembered of spent proofs needs no store: a
 * proof from before a restart has a nonce that nobody knows. Only proofs that hold are remembered, which takes a token and its key.
 */
export function createProofs(now: () => number): Proofs {
  const secret = randomBytes(32)
  const spent = new Map<number, Set<string>>()
  let newest = 0
  const nonceAt = (step: number) => createHmac('sha256', secret).update(String(step)).digest('base64url')
  /** Never goes back, whatever the clock does: what was forgotten must not count again. */
  const stepNow = () => {
    newest = Math.max(newest, Math.floor(now() / stepMs))
    for (const step of spent.keys()) if (step < newest - 1) spent.delete(step)
    return newest
  }
  return {
    async require(proof, request, tell) {
      if (typeof proof !== 'string') throw new AppError('auth.proof-bad')
      const { jti, nonce } = await checkProof(proof, request, request.jkt)
      const current = stepNow()
      const step = [current, current - 1].find((one) => nonceAt(one) === nonce)
      if (step !== current) tell({ 'dpop-nonce': nonceAt(current) })
      if (step === undefined) {
        tell({ 'www-authenticate': 'DPoP error="use_dpop_nonce", algs="ES256"' })
        throw new AppError('auth.proof-bad')
      }
      const ids = spent.get(step) ?? new Set()
      spent.set(step, ids)
      const id = `${request.jkt} ${jti}`
      if (ids.has(id)) throw new AppError('auth.proof-bad')
      ids.add(id)
    },
  }
}
