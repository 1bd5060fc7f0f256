import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/**
 * An authenticator and the browser around it, by WebAuthn Level 3 sections 5.8.1, 6.1 and 6.5: ES256, no attestation. Each part of what it says can be changed, as an attacker would.
 */
export type Authenticator = {
  id: string
  /** The field `attestation` for these creation options. */
  create(options: object, lie?: Lie): string
  /** The field `passkey` for these request options. */
  get(options: object, lie?: Lie): string
}
export type Lie = { origin?: string; rpId?: string; challenge?: string; type?: string; flags?: number; counter?: number; id?: string; signWith?: Authenticator }

const flag = { present: 0x01, verified: 0x04, mayBeSynced: 0x08, synced: 0x10, attested: 0x40 }
const keys = new WeakMap<Authenticator, ReturnType<typeof newKey>>()
const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest()

export function createAuthenticator(origin: string, { synced = false }: { synced?: boolean } = {}): Authenticator {
  const { hostname } = new URL(origin)
  const rawId = randomBytes(32)
  const usual = flag.present | flag.verified | (synced ? flag.mayBeSynced | flag.synced : 0)
  let counter = 0
  const clientData = (type: string, options: object, lie: Lie) =>
    Buffer.from(JSON.stringify({ type: lie.type ?? type, challenge: lie.challenge ?? challengeOf(options), origin: lie.origin ?? origin, crossOrigin: false }))
  const authenticatorData = (extra: number, lie: Lie, rest: Uint8Array = Buffer.alloc(0)) => {
    const head = Buffer.alloc(5)
    head.writeUInt8((lie.flags ?? usual) | extra, 0)
    head.writeUInt32BE(lie.counter ?? counter, 1)
    return Buffer.concat([sha256(lie.rpId ?? hostname), head, rest])
  }
  const answer = (lie: Lie, response: object) =>
    JSON.stringify({ id: lie.id ?? base64url(rawId), rawId: lie.id ?? base64url(rawId), type: 'public-key', clientExtensionResults: {}, response })
  const own: Authenticator = {
    id: base64url(rawId),
    create(options, lie = {}) {
      const { x = '', y = '' } = (keys.get(own) ?? newKey()).publicKey.export({ format: 'jwk' })
      const cose = cborMap([
        [cborInt(1), cborInt(2)],
        [cborInt(3), cborInt(-7)],
        [cborInt(-1), cborInt(1)],
        [cborInt(-2), cborBytes(Buffer.from(x, 'base64url'))],
        [cborInt(-3), cborBytes(Buffer.from(y, 'base64url'))],
      ])
      const credential = Buffer.concat([Buffer.alloc(16), Buffer.from([0, rawId.length]), rawId, cose])
      const attestationObject = cborMap([
        [cborText('fmt'), cborText('none')],
        [cborText('attStmt'), cborMap([])],
        [cborText('authData'), cborBytes(authenticatorData(flag.attested, lie, credential))],
      ])
      const clientDataJSON = base64url(clientData('webauthn.create', options, lie))
      return answer(lie, { clientDataJSON, attestationObject: base64url(attestationObject), transports: ['internal'] })
    },
    get(options, lie = {}) {
      counter += 1
      const client = clientData('webauthn.get', options, lie)
      const data = authenticatorData(0, lie)
      const { privateKey } = keys.get(lie.signWith ?? own) ?? newKey()
      const signature = sign('sha256', Buffer.concat([data, sha256(client)]), privateKey)
      return answer(lie, { clientDataJSON: base64url(client), authenticatorData: base64url(data), signature: base64url(signature) })
    },
  }
  keys.set(own, newKey())
  return own
}

export function challengeOf(options: object): string {
  return (options as { challenge: string }).challenge
}

function cborHead(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value])
  return value < 256 ? Buffer.from([(major << 5) | 24, value]) : Buffer.from([(major << 5) | 25, value >> 8, value & 0xff])
}
const cborInt = (value: number) => (value < 0 ? cborHead(1, -1 - value) : cborHead(0, value))
const cborBytes = (bytes: Uint8Array) => Buffer.concat([cborHead(2, bytes.length), bytes])
const cborText = (text: string) => Buffer.concat([cborHead(3, Buffer.byteLength(text)), Buffer.from(text)])
const cborMap = (entries: [Buffer, Buffer][]) => Buffer.concat([cborHead(5, entries.length), ...entries.flat()])
