import crypto from 'node:crypto'
import tls from 'node:tls'

/**
 * Electron's Node is built on BoringSSL, which can less than OpenSSL. What the app must do without, here fails as it does there: the bare chacha20 ciphers
 * (electron/electron#24024) and certificates with an Ed25519 key in TLS, one's own and the other side's.
 */
export function enforceBoringSsl(): void {
  const isMissing = (name: unknown) => typeof name === 'string' && /^chacha20/i.test(name)
  const ciphers = crypto.getCiphers().filter((name) => !isMissing(name))
  crypto.getCiphers = () => [...ciphers]
  for (const name of ['createCipheriv', 'createDecipheriv'] as const) {
    const original = crypto[name] as (...parts: unknown[]) => unknown
    const limited = (...parts: unknown[]) => {
      if (isMissing(parts[0])) throw Object.assign(new Error('Unknown cipher'), { code: 'ERR_CRYPTO_UNKNOWN_CIPHER' })
      return original(...parts)
    }
    crypto[name] = limited as never
  }
  const createSecureContext = tls.createSecureContext
  tls.createSecureContext = (options = {}) => {
    for (const one of [options.cert].flat()) if (one && keyTypeOf(one) === 'ed25519') throw new Error('UNSUPPORTED_ALGORITHM: Ed25519 certificate')
    return createSecureContext({ sigalgs: verified, ...options })
  }
}

/** What BoringSSL accepts from the other side unless told otherwise (ssl/extensions.cc, kVerifySignatureAlgorithms). */
const verified = [
  ...['ecdsa_secp256r1_sha256', 'rsa_pss_rsae_sha256', 'rsa_pkcs1_sha256', 'ecdsa_secp384r1_sha384', 'rsa_pss_rsae_sha384'],
  ...['rsa_pkcs1_sha384', 'rsa_pss_rsae_sha512', 'rsa_pkcs1_sha512'],
].join(':')

function keyTypeOf(certificate: string | Buffer): string | undefined {
  return new crypto.X509Certificate(certificate).publicKey.asymmetricKeyType
}
