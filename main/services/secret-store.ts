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
 * `specialist-key`, `support-key`: PKCS#8 PEM; `certificate`: the authority's compact JWS over both. They are put there when a person is certified.
 * `sign-in`: the tokens of the running sign-in. `audit-key`: signs the heads of this workstation's audit log. `session-key:<id>`: of the next session of a printed
 * OpenSSH configuration. `proxy-credentials`: user and password for the proxy of this computer's network, as JSON.
 */
export type SecretName = 'specialist-key' | 'support-key' | 'certificate' | 'sign-in' | 'audit-key' | 'proxy-credentials' | `session-key:${string}`

export const maxSecretBytes = 2_500
