import type { Socket } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'
import type { SigningKey } from '@gantry/shared/node/signing.ts'
import { algorithm, publicBlob, signature, string, uint32, WireReader } from './ssh-wire.ts'

/**
 * An SSH agent with two requests: list and sign (draft-ietf-sshm-ssh-agent). It adds, removes, locks and forwards nothing.
 *
 * It signs only what logs `username` on to an SSH server with that very key (RFC 4252 section 7). The support key also signs access requests, as ES256
 * over SHA-256, which is the same signature: an agent that signed any bytes would let every program of this account ask devices in the specialist's name.
 */
const messages = { failure: 5, requestIdentities: 11, identitiesAnswer: 12, signRequest: 13, signResponse: 14 } as const
const userauthRequest = 50
const maxMessageBytes = 16_384

export type AgentKey = { key: SigningKey; comment: string }
export type KeyAgentOptions = { username: string; keys: () => AgentKey[] }

/** Answers one connection until it ends. A message that breaks the form ends it. */
export async function serveKeys(socket: Socket, options: KeyAgentOptions): Promise<void> {
  let kept: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      kept = Buffer.concat([kept, chunk])
      for (let message = nextMessage(kept); message; message = nextMessage(kept)) {
        kept = kept.subarray(4 + message.length)
        socket.write(string(answerMessage(message, options)))
      }
    }
    socket.end()
  } catch {
    socket.destroy()
  }
}

function nextMessage(bytes: Buffer): Buffer | null {
  if (bytes.length < 4) return null
  const length = bytes.readUInt32BE()
  if (length < 1 || length > maxMessageBytes) throw new AppError('contract.too-large', { details: { maxBytes: maxMessageBytes } })
  return bytes.length < 4 + length ? null : bytes.subarray(4, 4 + length)
}

/** The answer to one message; anything but the two requests, and whatever does not fit, is SSH_AGENT_FAILURE. */
export function answerMessage(message: Buffer, { username, keys }: KeyAgentOptions): Buffer {
  try {
    const reader = new WireReader(message)
    const kind = reader.byte()
    if (kind === messages.requestIdentities) return listKeys(keys())
    if (kind === messages.signRequest) return signWith(reader, username, keys())
    return Buffer.from([messages.failure])
  } catch {
    return Buffer.from([messages.failure])
  }
}

function listKeys(keys: AgentKey[]): Buffer {
  const entries = keys.flatMap(({ key, comment }) => [string(publicBlob(key.publicJwk)), string(comment)])
  return Buffer.concat([Buffer.from([messages.identitiesAnswer]), uint32(keys.length), ...entries])
}

function signWith(reader: WireReader, username: string, keys: AgentKey[]): Buffer {
  const blob = reader.string()
  const data = reader.string()
  const wanted = keys.find(({ key }) => publicBlob(key.publicJwk).equals(blob))
  if (!wanted || !isLogOn(data, username, blob)) return Buffer.from([messages.failure])
  return Buffer.concat([Buffer.from([messages.signResponse]), string(signature(wanted.key, data))])
}

/** string session id, byte 50, user, "ssh-connection", "publickey", true, algorithm, key; and nothing after. */
function isLogOn(data: Buffer, username: string, blob: Buffer): boolean {
  const reader = new WireReader(data)
  const sessionId = reader.string()
  if (sessionId.length < 16 || sessionId.length > 64 || reader.byte() !== userauthRequest) return false
  const expected = [username, 'ssh-connection', 'publickey']
  if (expected.some((text) => !reader.string().equals(Buffer.from(text)))) return false
  return reader.byte() === 1 && reader.string().equals(Buffer.from(algorithm)) && reader.string().equals(blob) && reader.rest === 0
}
