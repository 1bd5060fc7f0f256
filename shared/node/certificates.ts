import { createHash, createPublicKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { AppError, type ErrorCode } from '../errors.ts'
import { DeviceId } from '../ids.ts'
import type { Hash, PublicJwk } from '../ticket.ts'
import { generateSigningKey, privatePem, publicJwkOf, publicKeyFrom, type SigningKey, sha256 } from './signing.ts'

/** X.509 certificates (RFC 5280), P-256 and ECDSA-SHA-256 throughout: Electron's TLS has no Ed25519. Everything is PEM. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000
/** RFC 5280 section 4.1.2.5: "no well-defined expiration date" would be year 9999; ten years outlive a device's service. */
const caDays = 3_650
const urnPrefix = 'urn:gantry:device:'

/** Loaded at the first certificate that is made: most processes only check them, and the library costs 0.16 s of processor time. It throws without `reflect-metadata`. */
async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

export type Ca = { certificatePem: string; key: SigningKey }
export type IssuedCertificate = { certificatePem: string; keyPem: string }

/** A CA that may sign leaves only (path length 0). `now` in milliseconds. */
export async function createCa(name: string, key: SigningKey = generateSigningKey(), now = Date.now()): Promise<Ca> {
  const x509 = await loadX509()
  const keys = webKeys(key)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: [name] }],
    ...validity(caDays, now),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificatePem: certificate.toString('pem'), key }
}

/** A server's certificate with a fresh key. `hosts` are names and IP literals; both go into the SAN, the only place that clients read (RFC 9525). */
export async function issueServerCertificate(
  ca: Ca,
  { hosts, days = 90, now = Date.now() }: { hosts: string[]; days?: number; now?: number },
): Promise<IssuedCertificate> {
  const key = generateSigningKey()
  const certificatePem = await issueLeaf(ca, {
    name: hosts[0] ?? 'server',
    publicKey: webKeys(key).publicKey,
    days,
    now,
    usage: 'serverAuth',
    names: hosts.map((host) => ({ type: isIP(host) ? 'ip' : 'dns', value: host })),
  })
  return { certificatePem, keyPem: privatePem(key) }
}

/** PKCS#10 (RFC 2986) in PEM, signed by the key it names. */
export async function createCertificateRequest(key: SigningKey, name: string): Promise<string> {
  const x509 = await loadX509()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: [{ CN: [name] }], keys: webKeys(key), signingAlgorithm: algorithm })
  return request.toString('pem')
}

/**
 * A device's client certificate. Of the request only the key is taken over, and its proof of possession is checked; the name is what we say it is.
 * Throws `enrol.request-bad`.
 */
export async function issueDeviceCertificate(
  ca: Ca,
  requestPem: string,
  deviceId: DeviceId,
  { days = 365, now = Date.now() }: { days?: number; now?: number } = {},
): Promise<string> {
  const publicKey = await requestedKey(requestPem)
  return issueLeaf(ca, { name: deviceId, publicKey, days, now, usage: 'clientAuth', names: [{ type: 'url', value: urnPrefix + deviceId }] })
}

/** A short-lived certificate that names nobody: for the files leg, where only its hash counts. `hash` is SHA-256 of the DER. */
export async function selfSigned(key: SigningKey, now = Date.now()): Promise<IssuedCertificate & { hash: Hash }> {
  const x509 = await loadX509()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: ['gantry'] }],
    ...validity(2, now),
    keys: webKeys(key),
    signingAlgorithm: algorithm,
  })
  return { certificatePem: certificate.toString('pem'), keyPem: privatePem(key), hash: sha256(new Uint8Array(certificate.rawData)) }
}

/** SHA-256 of the public key's SPKI in base64 (RFC 7469 section 2.4), as Chromium's `--ignore-certificate-errors-spki-list` wants it. */
export function spkiPin(certificatePem: string): string {
  const spki = new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('base64')
}

/** SHA-256 of a certificate's DER. */
export function certificateHash(certificatePem: string): Hash {
  return sha256(new X509Certificate(certificatePem).raw)
}

/** The certificates of a bundle, in its order. */
export function splitPem(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** How much of a certificate's life is over: 0 at its begin, 1 at its end. `now` in milliseconds. */
export function shareOfLife(certificatePem: string, now: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificatePem)
  return (now - validFromDate.getTime()) / (validToDate.getTime() - validFromDate.getTime())
}

export type DeviceIdentity = { deviceId: DeviceId; publicJwk: PublicJwk }

/**
 * Whose certificate it is, if the device CA (one of a bundle) issued it and it is in its time; else throws `failure`. `now` in milliseconds.
 * Path validation is one step by construction: the CA's path length is 0.
 */
export function checkDeviceCertificate(certificatePem: string, caPem: string, failure: ErrorCode = 'device.answer-bad', now = Date.now()): DeviceIdentity {
  try {
    const certificate = new X509Certificate(certificatePem)
    const cas = splitPem(caPem).map((pem) => new X509Certificate(pem))
    const issued = cas.some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey)) && !certificate.ca
    const inTime = now >= certificate.validFromDate.getTime() && now <= certificate.validToDate.getTime()
    if (!issued || !inTime) throw new Error(issued ? 'outside its time' : 'another issuer')
    return { deviceId: deviceIdOf(certificate.subjectAltName), publicJwk: publicJwkOf(certificate.publicKey) }
  } catch (error) {
    throw new AppError(failure, { cause: error })
  }
}

/** The id in the SAN `URI:urn:gantry:device:<id>`, which must be the only name. For certificates that TLS has verified already. */
export function deviceIdOf(subjectAltName: string | undefined): DeviceId {
  const prefix = `URI:${urnPrefix}`
  if (!subjectAltName?.startsWith(prefix)) throw new AppError('device.unknown')
  const parsed = DeviceId.safeParse(subjectAltName.slice(prefix.length))
  if (!parsed.success) throw new AppError('device.unknown')
  return parsed.data
}

type Leaf = {
  name: string
  publicKey: webcrypto.CryptoKey
  days: number
  now: number
  usage: 'serverAuth' | 'clientAuth'
  names: { type: 'ip' | 'dns' | 'url'; value: string }[]
}

async function issueLeaf(ca: Ca, { name, publicKey, days, now, usage, names }: Leaf): Promise<string> {
  const x509 = await loadX509()
  const issuer = new x509.X509Certificate(ca.certificatePem)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [name] }],
    issuer: issuer.subject,
    ...validity(days, now),
    publicKey,
    signingKey: webKeys(ca.key).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[usage]]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return certificate.toString('pem')
}

async function requestedKey(requestPem: string): Promise<webcrypto.CryptoKey> {
  const x509 = await loadX509()
  try {
    const request = new x509.Pkcs10CertificateRequest(requestPem)
    if (!(await request.verify())) throw new Error('not signed by its own key')
    const key = createPublicKey({ key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' })
    // Refuses anything but P-256.
    return toWebKey(publicKeyFrom(publicJwkOf(key)), ['verify'])
  } catch (error) {
    throw new AppError('enrol.request-bad', { cause: error })
  }
}

function webKeys(key: SigningKey): webcrypto.CryptoKeyPair {
  return { privateKey: toWebKey(key.privateKey, ['sign']), publicKey: toWebKey(publicKeyFrom(key.publicJwk), ['verify']) }
}

function toWebKey(key: KeyObject, usages: webcrypto.KeyUsage[]): webcrypto.CryptoKey {
  return key.toCryptoKey(algorithm, true, usages)
}

/** Good from a while back, since clocks of two machines differ (`requestLimits.slackSeconds`). */
const backMs = 5 * 60_000
function validity(days: number, now: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - backMs), notAfter: new Date(now + days * dayMs) }
}

/** Positive, not zero, under 20 octets (RFC 5280 section 4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return bytes.toString('hex')
}
