import type { AuthorityKeysStore } from '../../agent/authority-keys.ts'
import { thumbprint } from '../../shared/node/signing.ts'
import type { PublicJwk } from '../../shared/ticket.ts'

/** At a device whose authority never changed its key. */
export function pinnedOnly(key: PublicJwk): Pick<AuthorityKeysStore, 'newest' | 'isNewest' | 'known'> {
  return { newest: () => key, isNewest: (other) => thumbprint(other) === thumbprint(key), known: () => [key] }
}
