import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCa, type IssuedCertificate, issueServerCertificate } from './certificates.ts'
import { describePair, readTlsPair, type TlsFiles, type TlsPair, watchTlsFiles } from './tls-files.ts'

const ca = await createCa('Test servers')
const hosts = ['127.0.0.1']
const [first, second] = [await issueServerCertificate(ca, { hosts }), await issueServerCertificate(ca, { hosts })]
const over = await issueServerCertificate(ca, { hosts, days: 1, now: Date.now() - 3 * 86_400_000 })

let folder: string
let files: TlsFiles
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tls-'))
  files = { cert: join(folder, 'tls.pem'), key: join(folder, 'tls.key') }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function put({ certificatePem, keyPem }: IssuedCertificate): void {
  writeFileSync(files.cert, certificatePem)
  writeFileSync(files.key, keyPem)
}

function watch() {
  const taken: TlsPair[] = []
  const refused: unknown[] = []
  const end = watchTlsFiles({
    files,
    take: (pair) => taken.push(pair),
    onRefused: (failure) => refused.push(failure.details?.why ?? failure.code),
    now: Date.now,
    lookEveryMs: 10,
  })
  return { taken, refused, end }
}

describe('a server’s certificate and key (R061)', () => {
  test('are read as the pair that they are', () => {
    put(first)
    expect(readTlsPair(files)).toEqual({ cert: first.certificatePem, key: first.keyPem })
    expect(describePair(readTlsPair(files)).endsMs).toBeGreaterThan(Date.now() + 80 * 86_400_000)
  })

  test('are taken over when both have changed, in whichever order, once', async () => {
    put(first)
    const { taken, refused, end } = watch()
    try {
      writeFileSync(files.key, second.keyPem)
      writeFileSync(files.cert, second.certificatePem)
      await expect.poll(() => taken).toEqual([{ cert: second.certificatePem, key: second.keyPem }])
      put(first)
      await expect.poll(() => taken.length).toBe(2)
      expect(refused).toEqual([])
    } finally {
      end()
    }
  })

  test.each([
    ['a certificate whose key is another', 'pair', () => writeFileSync(files.cert, second.certificatePem)],
    ['half a certificate', 'certificate', () => writeFileSync(files.cert, second.certificatePem.slice(0, 300))],
    ['half a key', 'key', () => writeFileSync(files.key, second.keyPem.slice(0, 60))],
    ['no key', 'missing', () => rmSync(files.key)],
    ['a certificate whose time is over', 'time', () => put(over)],
  ])('%s is refused with its reason, and what comes after it is taken', async (_what, why, breakIt) => {
    put(first)
    const { taken, refused, end } = watch()
    try {
      breakIt()
      await expect.poll(() => refused).toEqual([why])
      expect(taken).toEqual([])
      put(second)
      await expect.poll(() => taken.map(({ cert }) => cert)).toContain(second.certificatePem)
    } finally {
      end()
    }
  })
})
