import { PassThrough } from 'node:stream'
import { openDeviceFiles } from '../../../agent/files/device-files.ts'
import { BadPacket, openFlag, request } from '../../../agent/files/sftp-packet.ts'
import { serveSftp } from '../../../agent/files/sftp-server.ts'
import { string as text, uint32 } from '../../../cli/ssh-config/ssh-wire.ts'
import { parseOpeningHead } from '../../../cloud/access-server/opening-head.ts'
import { legLimits } from '../../../shared/leg.ts'
import { openingHead, parseAnswerHead, parseVerdict } from '../../../shared/node/leg.ts'
import { Link } from '../../../shared/node/link.ts'
import { createFrameReader, frame, frameLimits } from '../../../shared/node/link-frames.ts'
import { readUntil } from '../../../shared/node/read-until.ts'
import { generateSigningKey, newNonce, signJws } from '../../../shared/node/signing.ts'
import { sftpPacket as packet } from '../sftp-packets.ts'
import { wire } from '../wire.ts'
import type { Decoder, Example } from './decoder.ts'

/** As a stream gives them: in pieces that end where no frame does. */
function piecesOf(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let from = 0, size = 1; from < bytes.length; from += size, size = size * 3 + 1) pieces.push(bytes.subarray(from, from + size))
  return pieces
}

/** The link's frames alone, and one end of a link whose other end says hello, what it has received, and goes on. */
export function openLinkFrames(): Decoder {
  const said = [
    frame('carry', 1),
    frame('data', 0, Buffer.from('uptime\r')),
    frame('ack', 0),
    frame('ping', 7),
    frame('pong', 1),
    frame('end', 7),
    frame('gone', 0),
  ]
  const shaken = [frame('hello', 0, Buffer.alloc(frameLimits.nonceBytes, 1)), frame('proof', 0, Buffer.from('proof'))]
  return {
    examples: [
      { kind: 'frames', bytes: Buffer.concat(said) },
      ...[Buffer.concat(shaken), Buffer.concat([...shaken, ...said])].map((bytes) => ({ kind: 'path', bytes })),
    ],
    async decode(bytes, kind) {
      if (kind === 'frames') {
        const read = createFrameReader({ data: () => undefined, signal: () => undefined })
        for (const piece of piecesOf(bytes)) read(piece)
      } else await joinPath(bytes)
      return 'accepted'
    },
  }
}

/** In a time that stands still, so that nothing of it is left behind. */
async function joinPath(bytes: Buffer): Promise<void> {
  const link = new Link({ role: 'follows', clock: { now: () => 0, after: () => () => undefined } })
  link.on('error', () => undefined).resume()
  const [near, far] = wire()
  far.on('error', () => undefined).resume()
  const over = new Promise((resolve) => near.once('close', resolve))
  try {
    far.end(bytes)
    const proof = async () => Buffer.from('proof')
    await link.attach(near, { name: 'east', prove: proof, check: async () => undefined, signal: new AbortController().signal })
    await over
  } finally {
    link.destroy()
    near.destroy()
  }
}

/** How a leg is opened: the request, the answer's head and the verdict. */
export async function openLegHeads(): Promise<Decoder> {
  const ticket = await signJws('ticket', { version: 1 }, generateSigningKey())
  const asked = { version: 1 as const, ticket, side: 'agent' as const, leg: 'control-1' as const, epoch: 1, link: 1 as const }
  const opening = openingHead({ host: '127.0.0.1', port: 8443 }, asked).trimEnd()
  const answer = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: gantry-tunnel/1', `Gantry-Nonce: ${newNonce()}`].join('\r\n')
  return {
    examples: [
      ...[opening, 'GET /healthz HTTP/1.1\r\nHost: access'].map((text) => ({ kind: 'opening', bytes: Buffer.from(text) })),
      { kind: 'answer', bytes: Buffer.from(answer) },
      ...['{"ok":true}', '{"ok":false,"failure":{"code":"leg.refused"}}'].map((text) => ({ kind: 'verdict', bytes: Buffer.from(text) })),
    ],
    async decode(bytes, kind) {
      const stream = new PassThrough()
      const [marker, maxBytes] = kind === 'verdict' ? ['\n', legLimits.maxVerdictBytes] : ['\r\n\r\n', legLimits.maxHeadBytes]
      stream.end(Buffer.concat([bytes, Buffer.from(marker)]))
      const read = await readUntil(stream, marker, { maxBytes })
      if (kind === 'opening') parseOpeningHead(read)
      else if (kind === 'answer') parseAnswerHead(read.toString('latin1'))
      else parseVerdict(read)
      return 'accepted'
    },
  }
}

/** SFTP at the device, on files of a folder of its own. What a client is told is `internal` is a fault, as if it had been thrown. */
export async function openSftpPackets({ root }: { root: string }): Promise<Decoder> {
  const rules = { toDevice: true, fromDevice: true, maxFileBytes: 1_000_000 }
  const files = await openDeviceFiles({ root, account: null, rules, record: () => undefined })
  return {
    examples: conversations(),
    async decode(bytes) {
      const hidden: string[] = []
      const send = async (answer: Buffer) => {
        if (answer[4] === 101 && answer.includes('\u0000\u0000\u0000\u0008internal')) hidden.push(answer.toString('latin1'))
      }
      const input = (async function* () {
        yield* piecesOf(bytes)
      })()
      try {
        await serveSftp({ input, send, files, touch: () => undefined })
      } catch (error) {
        if (error instanceof BadPacket) return 'bad-packet'
        throw error
      }
      if (hidden.length > 0) throw new Error('a client was told `internal`')
      return 'accepted'
    },
    close: () => files.close(),
  }
}

function conversations(): Example[] {
  const [handle, offset, none] = [text('\u0000\u0000\u0000\u0001'), Buffer.alloc(8), uint32(0)]
  const init = Buffer.concat([uint32(5), Buffer.from([request.init]), uint32(3)])
  const open = packet(request.open, 1, text('/a'), uint32(openFlag.read | openFlag.write | openFlag.create), none)
  const use = [packet(request.write, 2, handle, offset, text('some octets')), packet(request.read, 3, handle, offset, uint32(100))]
  const look = [
    packet(request.stat, 4, text('/a')),
    packet(request.fstat, 5, handle),
    packet(request.realpath, 6, text('/b/..')),
    packet(request.readlink, 7, text('/a')),
  ]
  const change = [
    packet(request.setstat, 8, text('/a'), uint32(4), uint32(0o600)),
    ...[packet(request.mkdir, 9, text('/b'), none), packet(request.rename, 10, text('/b'), text('/c')), packet(request.rmdir, 11, text('/c'))],
    ...['statvfs@openssh.com', 'limits@openssh.com'].map((name) => packet(request.extended, 12, text(name), text('/'))),
  ]
  const list = [
    packet(request.opendir, 1, text('/')),
    packet(request.readdir, 2, handle),
    packet(request.close, 3, handle),
    packet(request.remove, 4, text('/a')),
  ]
  const all = [[open, ...use, packet(request.close, 13, handle)], look, change, list]
  return all.map((packets) => ({ kind: 'packets', bytes: Buffer.concat([init, ...packets]) }))
}
