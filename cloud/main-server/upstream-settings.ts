import { readFileSync, statSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { AppError } from '@gantry/shared/errors.ts'
import { z } from 'zod'

const httpsOrigin = z.string().regex(/^https:\/\/[^/\s]{1,250}$/)

/**
 * The organisation's own OpenID provider, at which people sign in; with it there are no passwords here. README.md tells how to set both sides. Paths are absolute.
 */
export const UpstreamSettings = z
  .strictObject({
    /** Exactly as it stands in the provider's discovery document and in its ID tokens. */
    issuer: z.string().regex(/^https:\/\/[^\s?#]{1,500}$/),
    /** Shown to people. */
    name: z.string().min(1).max(60),
    clientId: z.string().min(1).max(255),
    /** The client's secret, one line, in a file that nobody else may read (0600, 0400). */
    secretFile: z.string().optional(),
    /** How it is sent: `client_secret_basic`, or `client_secret_post`. */
    secretIn: z.enum(['header', 'body']).default('header'),
    /** Instead of a secret: our P-256 private key (PEM), with which the client proves itself (`private_key_jwt`, RFC 7523); as closed as a secret. */
    keyFile: z.string().optional(),
    /** PEM of who may vouch for the provider's certificate; without it, the authorities that the system trusts. */
    caFile: z.string().optional(),
    /** Where else its endpoints may be, beside the issuer's own origin. */
    origins: z.array(httpsOrigin).max(8).default([]),
    /** Values of `acr` by which the provider says that two factors were asked; they are also asked for. There is no standard one. */
    acr: z
      .array(z.string().regex(/^[^\s]{1,200}$/))
      .max(10)
      .default([]),
    /** `when-missing`: ours is asked unless the provider says that it has asked one. `always`: whatever it says. */
    secondFactor: z.enum(['when-missing', 'always']).default('when-missing'),
    /**
     * `required`: the ID token says when the person signed in. `may-be-missing`: for a provider that cannot say it (or says 0); then ours is always asked, since nothing
     * else shows that somebody is there. A time that is said must fit in any case.
     */
    authTime: z.enum(['required', 'may-be-missing']).default('required'),
  })
  .refine(({ secretFile, keyFile }) => (secretFile === undefined) !== (keyFile === undefined), { path: ['secretFile'] })
export type UpstreamSettings = z.infer<typeof UpstreamSettings>

/** How the client proves itself to the provider: a secret, or a PEM key. */
export type UpstreamCredential = { secret: string; in: UpstreamSettings['secretIn'] } | { keyPem: string }

/** Throws `state.unreadable {what: 'upstream', field}` for a file that is missing, empty, or open to others. */
export function readCredential({ secretFile, secretIn, keyFile }: UpstreamSettings): UpstreamCredential {
  return secretFile === undefined ? { keyPem: readClosed(keyFile ?? '', 'keyFile') } : { secret: readClosed(secretFile, 'secretFile').trim(), in: secretIn }
}

/** PEM of whom to trust with the provider's certificate. */
export function readAuthorities({ caFile }: UpstreamSettings): string {
  if (caFile === undefined) return [...new Set([...getCACertificates('bundled'), ...getCACertificates('system')])].join('\n')
  return guarded('caFile', () => readFileSync(caFile, 'utf8'))
}

function readClosed(path: string, field: string): string {
  return guarded(field, () => {
    if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) throw new Error('others may read it')
    const content = readFileSync(path, 'utf8')
    if (content.trim() === '') throw new Error('it is empty')
    return content
  })
}

function guarded<T>(field: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'upstream', field } })
  }
}
