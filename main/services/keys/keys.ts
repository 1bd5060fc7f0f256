import type { Specialist } from '@gantry/shared/client-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import type { KeysStatus } from '@gantry/shared/ipc.ts'
import { shortFingerprint, signCertification } from '@gantry/shared/node/certification.ts'
import { generateSigningKey, privatePem, readUnverified, type SigningKey, signingKeyFrom, thumbprint } from '@gantry/shared/node/signing.ts'
import { CertificatePayload, CertificationPayload, CompactJws, SignedRequest } from '@gantry/shared/ticket.ts'
import type { SecretStore } from '../secret-store.ts'
import type { Keys } from '../services.ts'
import { openWithPin, readBox, sealWithPin } from './pin.ts'

/**
 * The specialist's two keys and the authority's certificate over them. They are born here and never leave the keychain; the support key lies there behind the
 * person's PIN. New keys wait beside the old ones until the security office has certified them, and then take their place by themselves.
 * The workstation does not judge the certificate's signature (devices do, and pin the authority); it only makes sure that it speaks of these keys.
 */
export type KeysTools = {
  store: SecretStore
  /** Who is signed in, and the certificate that lies at the main server for them. */
  me: () => Promise<{ specialist: Specialist; certificate: string | null }>
  onChange: (status: KeysStatus) => void
  now: () => number
}

type Current = { certificate: CompactJws; payload: CertificatePayload; specialist: SigningKey; supportSecret: string }

export function createKeys({ store, me, onChange, now }: KeysTools): Keys {
  const isOver = ({ payload }: Current) => now() / 1_000 > payload.expiresAt
  const current = async (): Promise<Current | null> => {
    const [pem, supportSecret, text] = await Promise.all([store.get('specialist-key'), store.get('support-key'), store.get('certificate')])
    const certificate = CompactJws.safeParse(text?.trim())
    if (pem === null || supportSecret === null || !certificate.success) return null
    const specialist = signingKeyFrom(pem)
    const payload = readUnverified(certificate.data, CertificatePayload, 'auth.keys-missing')
    if (thumbprint(payload.specialistKey) !== thumbprint(specialist.publicJwk)) return null
    return { certificate: certificate.data, payload, specialist, supportSecret }
  }
  const waiting = async () => {
    const text = await store.get('certification-request')
    return text === null ? null : readRequest(text)
  }
  const status = async (): Promise<KeysStatus> => {
    const [found, next] = [await current(), await waiting()]
    const known = found && { fingerprint: fingerprintOf(found.payload), untilMs: found.payload.expiresAt * 1_000, pin: readBox(found.supportSecret) !== null }
    const waits = next && { fingerprint: fingerprintOf(next.payload) }
    const state = known && !isOver(found) ? 'ready' : waits ? 'waiting' : known ? 'expired' : 'missing'
    return { state, current: known, waiting: waits }
  }
  const told = async () => {
    const said = await status()
    onChange(said)
    return said
  }
  const takeOver = async (): Promise<KeysStatus> => {
    const certificate = CompactJws.safeParse((await me()).certificate?.trim())
    if (!certificate.success) return status()
    const payload = readUnverified(certificate.data, CertificatePayload, 'auth.keys-missing')
    const [found, next] = [await current(), await waiting()]
    if (next && sameKeys(payload, next.payload)) {
      const [specialist, support] = [await store.get('next-specialist-key'), await store.get('next-support-key')]
      if (specialist === null || support === null) throw new AppError('auth.keys-missing')
      await store.set('specialist-key', specialist)
      await store.set('support-key', support)
      await store.set('certificate', certificate.data)
      // Last what says that they wait: after a crash in between it is done again.
      for (const name of ['next-specialist-key', 'next-support-key', 'certification-request'] as const) await store.delete(name)
      return told()
    }
    // Two of the same second differ where the authority's key changed in between; the one that the main server gives counts.
    const counts = found && sameKeys(payload, found.payload) && payload.issuedAt >= found.payload.issuedAt && certificate.data !== found.certificate
    if (!counts) return status()
    await store.set('certificate', certificate.data)
    return told()
  }
  /** What is certified by now, where it was not before; a main server that does not answer changes nothing. */
  const usable = async (): Promise<Current> => {
    let found = await current()
    if (!found || isOver(found) || (await waiting())) {
      await takeOver().catch(() => undefined)
      found = await current()
    }
    if (!found) throw new AppError((await waiting()) ? 'auth.keys-waiting' : 'auth.keys-missing')
    if (isOver(found)) throw new AppError('auth.certificate-expired')
    return found
  }

  return {
    status,
    takeOver,
    async loadSpecialist() {
      const { specialist, certificate, payload } = await usable()
      return { specialist, certificate, payload }
    },
    async load(pin) {
      const { specialist, certificate, payload, supportSecret } = await usable()
      const box = readBox(supportSecret)
      // In clear it may lie in a sandbox alone, whose secrets are memory and whose people are invented.
      if (!box && store.kind !== 'sandbox') throw new AppError('auth.keys-missing')
      const support = signingKeyFrom(box ? await openWithPin(box, pin, { store, now }) : supportSecret)
      if (thumbprint(payload.supportKey) !== thumbprint(support.publicJwk)) throw new AppError('auth.keys-missing')
      return { specialist, support, certificate, payload }
    },
    async create(pin) {
      const { specialist: person } = await me()
      const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
      const support = await sealWithPin(privatePem(keys.support), pin)
      const { id: specialistId, username, name, employer, country } = person
      const payload: CertificationPayload = {
        ...{ version: 1, specialistId, username, name, employer, country, issuedAt: Math.floor(now() / 1_000) },
        ...{ specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk },
      }
      const request = JSON.stringify(await signCertification(payload, keys))
      await store.set('next-specialist-key', privatePem(keys.specialist))
      await store.set('next-support-key', support)
      await store.set('certification-request', request)
      return told()
    },
    async request() {
      const next = await waiting()
      if (!next) throw new AppError('auth.keys-missing')
      return `${next.text}\n`
    },
  }
}

function readRequest(text: string): { text: string; payload: CertificationPayload } {
  const { payload } = SignedRequest.parse(JSON.parse(text))
  return { text, payload: readUnverified(`.${payload}.`, CertificationPayload, 'auth.keys-missing') }
}

type Pair = Pick<CertificationPayload, 'specialistKey' | 'supportKey'>

function marksOf({ specialistKey, supportKey }: Pair) {
  return { specialistKey: thumbprint(specialistKey), supportKey: thumbprint(supportKey) }
}

function fingerprintOf(pair: Pair): string {
  return shortFingerprint(marksOf(pair))
}

function sameKeys(one: Pair, other: Pair): boolean {
  const [first, second] = [marksOf(one), marksOf(other)]
  return first.specialistKey === second.specialistKey && first.supportKey === second.supportKey
}
