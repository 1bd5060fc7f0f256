import { type ClientApi, clientApi, WellKnown } from '@gantry/shared/client-api.ts'
import type { Output } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { createApiClient, getJson } from '@gantry/shared/node/api-client.ts'
import type { z } from 'zod'

/** The main server as the client meets it: what it says of itself, and its client API with the sign-in's token. */
export type MainServer = {
  /** Asked once, then kept: its keys do not change while it runs. Errors: `server.*`. */
  wellKnown(): Promise<WellKnown>
  /** A token that the server refuses is refreshed once. Errors: `auth.*`, `server.*`, and the failures of the call. */
  call<N extends keyof ClientApi & string>(
    name: N,
    input: z.input<ClientApi[N]['input']>,
    options?: { signal?: AbortSignal; timeoutMs?: number },
  ): Promise<Output<ClientApi, N>>
  close(): void
}
export type MainServerOptions = {
  origin: string
  ca: string
  access: (rejected?: string) => Promise<string>
  /** Told after each call whether the server answered. */
  onAnswer: (failure: AppError | null) => void
}

export function createMainServer({ origin, ca, access, onAnswer }: MainServerOptions): MainServer {
  let token = ''
  const client = createApiClient(clientApi, { origin, prefix: '/api/v1/', ca, keepAlive: true, headers: async () => ({ authorization: `Bearer ${token}` }) })
  let known: Promise<WellKnown> | null = null

  const noted = async <T>(doing: () => Promise<T>): Promise<T> => {
    try {
      const value = await doing()
      onAnswer(null)
      return value
    } catch (error) {
      if (error instanceof AppError) onAnswer(isUnreachable(error) ? error : null)
      throw error
    }
  }
  const wellKnown = () => {
    known ??= noted(() => getJson({ origin, ca }, WellKnown, { path: '/.well-known/gantry' })).catch((error: unknown) => {
      known = null
      throw error
    })
    return known
  }
  return {
    wellKnown,
    async call(name, input, options) {
      token = await access()
      const used = token
      try {
        return await noted(() => client.call(name, input, options))
      } catch (error) {
        if (!isSignInFailure(error)) throw error
        token = await access(used)
        return noted(() => client.call(name, input, options))
      }
    },
    close: () => client.close(),
  }
}

export function isUnreachable(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'server.unreachable' || error.code === 'server.identity-wrong' || error.code === 'server.proxy-refused')
}

function isSignInFailure(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'auth.not-signed-in' || error.code === 'auth.session-expired')
}
