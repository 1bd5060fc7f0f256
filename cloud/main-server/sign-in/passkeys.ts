import { isIP } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'
import type { SpecialistId } from '@gantry/shared/ids.ts'
import type { AuthenticationResponseJSON, AuthenticatorTransport, RegistrationResponseJSON } from '@simplewebauthn/server'
import { z } from 'zod'
import type { Database } from '../database.ts'
import { addPasskey, type Passkey, passkeysOf, setChallenge, spendChallenge, usePasskey } from './passkey-store.ts'
import type { Account } from './store.ts'

/**
 * Passkeys as second factor (W3C Web Authentication Level 3): a key in the person's computer, telephone or security key signs a challenge of this sign-in for this
 * server's name alone, after it checked finger, face or PIN. A page that only looks like ours gets nothing that it could use here (NIST SP 800-63B section 5.2.5).
 * Each challenge is good once, whatever comes of it. No attestation is asked: whose hands made the key is not judged.
 */
export type Passkeys = {
  /** What the browser is to be told so that it asks for one; null where the person has none. A challenge that was given before counts no more. */
  ask(uid: string, id: SpecialistId): Promise<object | null>
  /** Returns how its key is kept, as RFC 8176 names it. Errors: `auth.passkey-refused {reason}`. */
  check(uid: string, id: SpecialistId, answer: string): Promise<'hwk' | 'swk'>
  /** What the browser is to be told so that it makes one; null where the person has as many as anybody may. */
  offer(uid: string, account: Account): Promise<object | null>
  /** Returns the new one's name. Errors: `auth.passkey-refused {reason}`. */
  add(uid: string, id: SpecialistId, answer: string): Promise<string>
}
export type PasskeyOptions = { db: Database /** Of the pages. */; origin: string; organisation: string; now: () => number }

export const maxPasskeys = 5
/** For how long the browser asks. ms */
const askMs = 120_000
/** Ed25519, ES256, RS256 (RFC 9053): what Node verifies and authenticators make. */
const algorithms = [-8, -7, -257]

const Base64Url = z.string().regex(/^[A-Za-z0-9_-]{1,4000}$/)
const Transport = z.string().regex(/^[a-z-]{1,20}$/)
/** What `PublicKeyCredential.toJSON` gives (WebAuthn section 5.1); members that nobody reads are left out. */
const common = { id: Base64Url, rawId: Base64Url, type: z.literal('public-key'), clientExtensionResults: z.object({}).default({}) }
const Assertion = z.object({
  ...common,
  response: z.object({ clientDataJSON: Base64Url, authenticatorData: Base64Url, signature: Base64Url }),
})
const Attestation = z.object({
  ...common,
  response: z.object({ clientDataJSON: Base64Url, attestationObject: Base64Url, transports: z.array(Transport).max(8).default([]) }),
})

/** Null where the server's name is an address: a passkey belongs to a domain (WebAuthn section 5.1.3, HTML "relevant settings object's origin"). */
export function createPasskeys({ db, origin, organisation, now }: PasskeyOptions): Passkeys | null {
  const { hostname: rpID } = new URL(origin)
  if (isIP(rpID.replace(/^\[(.*)\]$/, '$1')) !== 0) return null
  const expected = { expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true }
  return {
    async ask(uid, id) {
      const known = await passkeysOf(db, id)
      if (known.length === 0) return null
      const options = await (await library()).generateAuthenticationOptions({
        rpID,
        allowCredentials: known.map(describe),
        userVerification: 'required',
        timeout: askMs,
      })
      await setChallenge(db, uid, options.challenge)
      return options
    },
    async check(uid, id, answer) {
      const expectedChallenge = await requireChallenge(db, uid)
      const response = read(Assertion, answer)
      const known = (await passkeysOf(db, id)).find((passkey) => passkey.id === response.id)
      if (!known) throw refused('unknown')
      const credential = { ...describe(known), publicKey: new Uint8Array(Buffer.from(known.publicKey, 'base64url')), counter: known.counter }
      const { authenticationInfo } = await judged(({ verifyAuthenticationResponse }) =>
        verifyAuthenticationResponse({ ...expected, response: response as AuthenticationResponseJSON, expectedChallenge, credential }),
      )
      const { newCounter: counter, credentialBackedUp: isSynced } = authenticationInfo
      // A copy of the key would have counted on from the same number (WebAuthn section 6.1.1).
      if (!(await usePasskey(db, known, { counter, isSynced, usedMs: now() }))) throw refused('counter')
      return isSynced ? 'swk' : 'hwk'
    },
    async offer(uid, { id, username, name }) {
      const known = await passkeysOf(db, id)
      if (known.length >= maxPasskeys) return null
      const options = await (await library()).generateRegistrationOptions({
        ...{ rpName: `Gantry ${organisation}`, rpID, userName: username, userDisplayName: name, userID: new TextEncoder().encode(id) },
        ...{ attestationType: 'none', excludeCredentials: known.map(describe), supportedAlgorithmIDs: algorithms, timeout: askMs },
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      })
      await setChallenge(db, uid, options.challenge)
      return options
    },
    async add(uid, id, answer) {
      const expectedChallenge = await requireChallenge(db, uid)
      const response = read(Attestation, answer)
      const { registrationInfo } = await judged(({ verifyRegistrationResponse }) =>
        verifyRegistrationResponse({
          ...expected,
          response: response as RegistrationResponseJSON,
          expectedChallenge,
          supportedAlgorithmIDs: algorithms,
        }),
      )
      const { credential, credentialBackedUp: isSynced } = registrationInfo
      const publicKey = Buffer.from(credential.publicKey).toString('base64url')
      const added = { id: credential.id, publicKey, counter: credential.counter, transports: response.response.transports, isSynced, addedMs: now() }
      if (!(await addPasskey(db, id, added, maxPasskeys))) throw refused('known')
      return added.id
    },
  }
}

/** At the first sign-in that needs it: a quarter of a second that the start does not wait for. */
const library = () => import('@simplewebauthn/server')

function describe({ id, transports }: Passkey) {
  return { id, transports: transports as AuthenticatorTransport[] }
}

async function requireChallenge(db: Database, uid: string): Promise<string> {
  const challenge = await spendChallenge(db, uid)
  if (challenge === null) throw refused('challenge')
  return challenge
}

function read<T>(schema: z.ZodType<T>, answer: string): T {
  try {
    return schema.parse(JSON.parse(answer))
  } catch {
    throw refused('shape')
  }
}

/** The library throws plain errors for everything that does not fit, and says `verified: false` of a signature that does not. */
async function judged<T extends { verified: boolean }>(
  verify: (library: typeof import('@simplewebauthn/server')) => Promise<T>,
): Promise<Extract<T, { verified: true }>> {
  let result: T
  try {
    result = await verify(await library())
  } catch (error) {
    throw new AppError('auth.passkey-refused', { cause: error, details: { reason: 'answer' } })
  }
  if (!result.verified) throw refused('signature')
  return result as Extract<T, { verified: true }>
}

function refused(reason: string): AppError {
  return new AppError('auth.passkey-refused', { details: { reason } })
}
