import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { AppError, toFailure } from '../errors.ts'
import { fileMark } from './file-mark.ts'
import { sha256 } from './signing.ts'

/** Paths of a server's certificate (or chain, its own first) and private key, both PEM. */
export type TlsFiles = { cert: string; key: string }
/** What lies there: a key that fits its certificate. */
export type TlsPair = { cert: string; key: string }

/** Throws `state.unreadable {path, why}`, why one of `missing`, `certificate`, `key`, `pair` (each is whole, but they do not belong together). */
export function readTlsPair(files: TlsFiles): TlsPair {
  const cert = readText(files.cert)
  const key = readText(files.key)
  const certificate = reading(files.cert, 'certificate', () => new X509Certificate(cert))
  const privateKey = reading(files.key, 'key', () => createPrivateKey(key))
  if (!certificate.checkPrivateKey(privateKey)) throw unreadable(files.key, 'pair')
  return { cert, key }
}

/** For logs and audits: which certificate it is, and until when (Unix milliseconds) it may be used. */
export function describePair({ cert }: TlsPair): { certificate: string; endsMs: number } {
  const certificate = new X509Certificate(cert)
  return { certificate: sha256(certificate.raw), endsMs: certificate.validToDate.getTime() }
}

export type TlsWatchWith = {
  files: TlsFiles
  /** New connections get it from now on; those that are open go on. */
  take: (pair: TlsPair) => void
  /** What lies there is no pair, or not in its time: the one before stays in use. */
  onRefused: (failure: { code: string; details?: Record<string, string | number> }) => void
  /** Milliseconds. */
  now: () => number
  lookEveryMs?: number
}

/**
 * Takes a new certificate over without a restart (R061). The two files cannot change in the same moment, so they are read once they have stood still from one look to the
 * next: the order in which they are replaced does not matter. Returns what ends the watch.
 */
export function watchTlsFiles({ files, take, onRefused, now, lookEveryMs = 1_000 }: TlsWatchWith): () => void {
  const markNow = () => `${fileMark(files.cert)} ${fileMark(files.key)}`
  let settled = markNow()
  let last = settled
  const look = () => {
    const mark = markNow()
    const stoodStill = mark === last
    last = mark
    if (mark === settled || !stoodStill) return
    settled = mark
    try {
      const pair = readTlsPair(files)
      requireInTime(pair, files.cert, now())
      take(pair)
    } catch (error) {
      onRefused(toFailure(error))
    }
  }
  const timer = setInterval(look, lookEveryMs).unref()
  return () => clearInterval(timer)
}

function requireInTime({ cert }: TlsPair, path: string, nowMs: number): void {
  const { validFromDate, validToDate } = new X509Certificate(cert)
  if (nowMs < validFromDate.getTime() || nowMs > validToDate.getTime()) throw unreadable(path, 'time')
}

function readText(path: string): string {
  return reading(path, 'missing', () => readFileSync(path, 'utf8'))
}

function reading<T>(path: string, why: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw unreadable(path, why, error)
  }
}

function unreadable(path: string, why: string, cause?: unknown): AppError {
  return new AppError('state.unreadable', { cause, details: { path, why } })
}
