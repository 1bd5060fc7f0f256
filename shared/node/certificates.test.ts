// @peculiar/x509 throws without it.
import 'reflect-metadata'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { describe, expect, test } from 'vitest'
import { AppError } from '../errors.ts'
import { newId } from '../ids.ts'
import {
  certificateHash,
  checkDeviceCertificate,
  createCa,
  createCertificateRequest,
  deviceIdOf,
  issueDeviceCertificate,
  issueServerCertificate,
  selfSigned,
  spkiPin,
} from './certificates.ts'
import { generateSigningKey } from './signing.ts'

const day = 86_400_000
const ca = await createCa('Test devices')
const key = generateSigningKey()
const deviceId = newId<ReturnType<typeof deviceIdOf>>('dev')
const request = await createCertificateRequest(key, 'anything')

function codeOf(act: () => unknown): unknown {
  try {
    act()
    return 'none'
  } catch (error) {
    return error instanceof AppError ? error.code : error
  }
}

describe('a device certificate', () => {
  test('names the device, belongs to its key, and is for clients only', async () => {
    const pem = await issueDeviceCertificate(ca, request, deviceId)
    expect(checkDeviceCertificate(pem, ca.certificatePem)).toEqual({ deviceId, publicJwk: key.publicJwk })
    const { keyUsage, subject, ca: isCa } = new X509Certificate(pem)
    // Node calls the extended key usage so: 1.3.6.1.5.5.7.3.2 is clientAuth.
    expect([keyUsage, subject, isCa]).toEqual([['1.3.6.1.5.5.7.3.2'], `CN=${deviceId}`, false])
  })

  test('of another CA of the same name, of another time, or of a server is refused', async () => {
    const other = await createCa('Test devices')
    const foreign = await issueDeviceCertificate(other, request, deviceId)
    expect(codeOf(() => checkDeviceCertificate(foreign, ca.certificatePem))).toBe('device.answer-bad')
    const pem = await issueDeviceCertificate(ca, request, deviceId, { days: 10 })
    const now = Date.now()
    expect(codeOf(() => checkDeviceCertificate(pem, ca.certificatePem, 'device.answer-bad', now + 11 * day))).toBe('device.answer-bad')
    expect(codeOf(() => checkDeviceCertificate(pem, ca.certificatePem, 'device.answer-bad', now - day))).toBe('device.answer-bad')
    const server = await issueServerCertificate(ca, { hosts: ['localhost'] })
    expect(codeOf(() => checkDeviceCertificate(server.certificatePem, ca.certificatePem))).toBe('device.answer-bad')
    expect(codeOf(() => checkDeviceCertificate(ca.certificatePem, ca.certificatePem))).toBe('device.answer-bad')
    expect(codeOf(() => checkDeviceCertificate('junk', ca.certificatePem))).toBe('device.answer-bad')
  })

  test('is not made for a request that its key did not sign, or for another kind of key', async () => {
    const middle = Math.floor(request.length / 2)
    const altered = request.slice(0, middle) + (request[middle] === 'A' ? 'B' : 'A') + request.slice(middle + 1)
    const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' }
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const keys = { privateKey: privateKey.toCryptoKey(p384, true, ['sign']), publicKey: publicKey.toCryptoKey(p384, true, ['verify']) }
    const foreign = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=x', keys, signingAlgorithm: p384 })
    for (const bad of ['', 'junk', altered, foreign.toString('pem')]) {
      await expect(issueDeviceCertificate(ca, bad, deviceId)).rejects.toMatchObject({ code: 'enrol.request-bad' })
    }
  })

  test.each([
    undefined,
    '',
    'DNS:localhost',
    'URI:urn:gantry:device:',
    `URI:urn:gantry:device:${deviceId}, URI:urn:gantry:device:${deviceId}`,
    `DNS:a, URI:urn:gantry:device:${deviceId}`,
  ])('a name that is not exactly one device is none: %s', (name) => {
    expect(codeOf(() => deviceIdOf(name))).toBe('device.unknown')
  })
})

describe('other certificates', () => {
  test('a server certificate holds names and addresses where clients look for them', async () => {
    const { certificatePem } = await issueServerCertificate(ca, { hosts: ['localhost', '127.0.0.1', '::1'] })
    const certificate = new X509Certificate(certificatePem)
    expect(certificate.checkHost('localhost')).toBe('localhost')
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(certificate.checkIP('::1')).toBeTruthy()
    expect(certificate.verify(new X509Certificate(ca.certificatePem).publicKey)).toBe(true)
    expect(spkiPin(certificatePem)).toMatch(/^[A-Za-z0-9+/]{43}=$/)
  })

  test('a self-signed one is known by its hash', async () => {
    const { certificatePem, hash } = await selfSigned(key)
    expect(certificateHash(certificatePem)).toBe(hash)
    expect((await selfSigned(key)).hash).not.toBe(hash)
  })
})
