import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'
import type { Dial } from '@gantry/shared/node/dial.ts'

/**
 * One main server under several names (R024): connections to its first name go to the first of them that answers, and stay there until it does not. Each name's certificate is checked
 * for that name. It is one server, so what is said inside, tokens and issuer, stays the same.
 */
export type MainServerNames = {
  dial: Dial
  /** The name in use took a connection and then said nothing: the next one has its turn. */
  doubt(): void
}

const elsewhere: ReadonlySet<ErrorCode> = new Set(['server.unreachable', 'server.identity-wrong', 'server.certificate-revoked', 'server.proxy-refused'])

/** `origins`: at least one, as `https://host[:port]`, in the order in which they are tried. */
export function createMainServerNames(dial: Dial, origins: readonly string[]): MainServerNames {
  const places = origins.map((origin) => {
    const { hostname, port } = new URL(origin)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) }
  })
  const [first] = places
  let current = 0
  return {
    async dial(target) {
      if (places.length < 2 || target.host !== first?.host || target.port !== first.port) return dial(target)
      const start = current
      let failure: unknown
      for (const [offset] of places.entries()) {
        const at = (start + offset) % places.length
        try {
          // A session of TLS is resumed with the name that gave it.
          const session = at === start ? target.session : undefined
          const socket = await dial({ ...target, ...places[at], session, timeoutMs: (target.timeoutMs ?? 10_000) / places.length })
          current = at
          return socket
        } catch (error) {
          if (!(error instanceof AppError) || !elsewhere.has(error.code)) throw error
          failure ??= error
        }
      }
      throw failure
    },
    doubt() {
      current = (current + 1) % places.length
    },
  }
}
