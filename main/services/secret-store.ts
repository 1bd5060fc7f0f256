/**
 * Where secrets live: the OS keychain (`main/keychain.ts`) or, in the sandbox, its own store in memory (`sandbox-secrets.ts`).
 * Values are small (2,500 bytes at most: the Windows Credential Manager's cap is 2,560). Every call may throw `auth.keychain-missing`;
 * nothing is ever written elsewhere instead.
 */
export type SecretStore = {
  kind: 'keychain' | 'sandbox'
  get(name: SecretName): Promise<string | null>
  set(name: SecretName, value: string): Promise<void>
  delete(name: SecretName): Promise<void>
}

/**
 * `specialist-key`: PKCS#8 PEM; `support-key`: the same behind the person's PIN (`PassphraseBox`; in clear in a sandbox alone); `certificate`: the authority's compact
 * JWS over both. `next-…` and `certification-request`: new keys until they are certified. `pin-tries`: wrong PINs, and until when none is tried.
 * `sign-in`: the tokens of the running sign-in. `audit-key`: signs the heads of this workstation's audit log. `session-key:<id>`: of the next session of a printed
 * OpenSSH configuration. `proxy-credentials`: user and password for the proxy of this computer's network, as JSON.
 */
export type SecretName =
  | 'specialist-key'
  | 'support-key'
  | 'certificate'
  | 'next-specialist-key'
  | 'next-support-key'
  | 'certification-request'
  | 'pin-tries'
  | 'sign-in'
  | 'audit-key'
  | 'proxy-credentials'
  | `session-key:${string}`

export const maxSecretBytes = 2_500
