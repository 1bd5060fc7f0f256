import { setTimeout as sleep } from 'node:timers/promises'
import { clockOffSeconds } from '@gantry/shared/access-request.ts'
import { type ClientApi, clientApi, WellKnown } from '@gantry/shared/client-api.ts'
import type { Output } from '@gantry/shared/contract.ts'
import { AppError, isUnreachable } from '@gantry/shared/errors.ts'
import { createApiClient, getJson } from '@gantry/shared/node/api-client.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'
import { type Access, createProver } from '@gantry/shared/node/dpop.ts'
import { requireInTime, type Validity } from '@gantry/shared/node/open-tls.ts'
import type { Hash } from '@gantry/shared/ticket.ts'
import type { z } from 'zod'

/** The main server as the client meets it: what it says of itself, and its client API with the sign-in's token. */
export type MainServer = {
  /** Asked once, then kept until somebody needs it fresh: its keys are rotated while it runs. Errors: `server.*`. */
  wellKnown(options?: { fresh: true }): Promise<WellKnown>
  /** A token that the server refuses is refreshed once. Errors: `auth.*`, `server.*`, and the failures of the call. */
  call<N extends keyof ClientApi & string>(
    name: N,
    input: z.input<ClientApi[N]['input']>,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<Output<ClientApi, N>>
  /**
   * Before a sign-in, a refresh of its tokens and a request: with a wrong clock each of them fails as something else, and a good sign-in would be forgotten. Throws
   * `access.clock-off {seconds, of: 'computer'}` (D14), `server.*`.
   */
  requireClock(): Promise<void>
  close(): Promise<void>
}
export type MainServerOptions = {
  origin: string
  dial: Dial
  access: (rejected?: string) => Promise<Access>
  /** Told after each call whether the server answered. */
  onAnswer: (failure: AppError | null) => void
  /** Told each time of the server certificates that count no more. */
  onRevoked: (revoked: readonly Hash[]) => void
  now: () => number
}

const closeMs = 2_000
const wellKnownPath = '/.well-known/gantry'

export function createMainServer({ origin, dial, access, onAnswer, onRevoked, now }: MainServerOptions): MainServer {
  const prover = createProver(() => access())
  const client = createApiClient(clientApi, { origin, prefix: '/api/v1/', dial, keepAlive: true, ...prover })
  const closing = new AbortController()
  const running = new Set<Promise<unknown>>()
  let known: Promise<WellKnown> | null = null

  const noted = async <T>(doing: () => Promise<T>): Promise<T> => {
    const one = doing()
    running.add(one)
    try {
      const value = await one
      onAnswer(null)
      return value
    } catch (error) {
      if (error instanceof AppError) onAnswer(isUnreachable(error) ? error : null)
      throw error
    } finally {
      running.delete(one)
    }
  }
  const wellKnown = ({ fresh = false } = {}) => {
    if (fresh) known = null
    known ??= noted(async () => {
      const told = await getJson({ origin, dial }, WellKnown, { path: wellKnownPath })
      onRevoked(told.revoked)
      return told
    }).catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
  return {
    wellKnown,
    async requireClock() {
      // In another year the server's certificate is none of now: its time is heard all the same, and nothing else of what it says.
      const told: { validity: Validity | null } = { validity: null }
      const dialAnytime: Dial = (target) => dial({ ...target, onOutdated: (validity) => Object.assign(told, { validity }) })
      const { timeMs, revoked } = await noted(() =>
        getJson({ origin, dial: dialAnytime }, WellKnown.pick({ timeMs: true, revoked: true }), { path: wellKnownPath }),
      )
      requireInTime(told.validity, timeMs)
      if (!told.validity) onRevoked(revoked)
      const seconds = clockOffSeconds(now(), timeMs)
      if (seconds !== 0) throw new AppError('access.clock-off', { details: { seconds, of: 'computer' } })
    },
    async call(name, input, { signal, timeoutMs } = {}) {
      const options = { timeoutMs, signal: signal ? AbortSignal.any([signal, closing.signal]) : closing.signal }
      const { token } = await access()
      try {
        return await noted(() => client.call(name, input, options))
      } catch (error) {
        if (!isSignInFailure(error)) throw error
        await access(token)
        return noted(() => client.call(name, input, options))
      }
    },
    async close() {
      // What is under way is nearly through; cutting a dial in the middle would leave its socket behind.
      await Promise.race([Promise.allSettled(running), sleep(closeMs, undefined, { ref: false })])
      closing.abort(new AppError('server.unreachable', { details: { hop: 'closed' } }))
      client.close()
    },
  }
}

function isSignInFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'auth.not-signed-in' || error.code === 'auth.session-expired')
}
