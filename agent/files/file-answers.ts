import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { pipeline } from 'node:stream/promises'
import { type Input, parse } from '@gantry/shared/contract.ts'
import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { type FileCallName, type FileCalls, fileCalls } from '@gantry/shared/files.ts'
import type { z } from 'zod'
import type { DeviceFiles, FileEvent } from './device-files.ts'
import { createLedger } from './ledger.ts'
import { describe } from './listing.ts'
import { showName } from './names.ts'

/**
 * What the files leg answers: one request per stream, input and output in headers, contents in bodies (`shared/files.ts`).
 * A failure before the first octet is a header with its code; one in the middle resets the stream, since a short body must not look whole.
 */
export type FileAnswers = {
  answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void>
  /** Waits for what is under way and records the transfers that nobody confirmed. */
  finish(): Promise<void>
}
export type FileAnswersOptions = { files: DeviceFiles; record(event: FileEvent): void; touch(bytes: number): void }

const readBytes = 262_144
const writeBytes = 1_048_576
const maxEntries = 100_000
const maxInputCharacters = 16_000

type Exchange = FileAnswersOptions & { stream: ServerHttp2Stream; ledger: ReturnType<typeof createLedger> }
type Answer = { output: unknown; body?: string } | 'sent'
type Answers = { [N in FileCallName]: (input: Input<FileCalls, N>, exchange: Exchange) => Promise<Answer> }

export function createFileAnswers(options: FileAnswersOptions): FileAnswers {
  const ledger = createLedger(options.record)
  const running = new Set<Promise<void>>()
  return {
    answer(stream, headers) {
      stream.on('error', () => undefined)
      const one: Promise<void> = exchange({ ...options, stream, ledger }, headers).finally(() => running.delete(one))
      running.add(one)
      return one
    },
    async finish() {
      await Promise.allSettled(running)
      ledger.close()
    },
  }
}

async function exchange(context: Exchange, headers: IncomingHttpHeaders): Promise<void> {
  const { stream } = context
  try {
    const name = nameOf(headers)
    const input = parse(fileCalls[name].input as z.ZodType<unknown>, inputOf(headers), name)
    context.touch(1)
    const answer = await (answers[name] as (input: unknown, context: Exchange) => Promise<Answer>)(input, context)
    if (answer === 'sent' || stream.destroyed) return
    stream.respond({ ':status': 200, 'gantry-output': encode(answer.output) })
    stream.end(answer.body)
  } catch (error) {
    fail(stream, error)
  }
}

function nameOf(headers: IncomingHttpHeaders): FileCallName {
  const name = String(headers[':path'] ?? '').slice(1)
  if (headers[':method'] !== 'POST' || !Object.hasOwn(fileCalls, name)) throw new AppError('contract.unknown-name', { details: { name: name.slice(0, 80) } })
  return name as FileCallName
}

function inputOf(headers: IncomingHttpHeaders): unknown {
  const text = headers['gantry-input']
  if (typeof text !== 'string' || text.length > maxInputCharacters) throw new AppError('contract.bad-input', { details: { field: 'gantry-input' } })
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch (error) {
    throw new AppError('contract.bad-input', { cause: error, details: { field: 'gantry-input' } })
  }
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function fail(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed || stream.closed) return
  if (stream.headersSent) return stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  const failure = toFailure(error)
  stream.respond({ ':status': errorCodes[failure.code].status, 'gantry-failure': encode(failure) }, { endStream: true })
  // The rest of an upload is not wanted any more (RFC 9113 section 8.1).
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
}

const answers: Answers = {
  'files.list': async ({ path }, { files }) => {
    const { bsize, bavail } = await files.space(path)
    const entries = []
    for await (const { stat: _, ...entry } of files.list(path)) {
      if (entries.length >= maxEntries) throw new AppError('contract.too-large', { details: { maxEntries } })
      entries.push(entry)
    }
    return { output: {}, body: JSON.stringify({ entries, freeBytes: bsize * bavail }) }
  },
  'files.stat': async ({ path }, { files }) => ({ output: { name: showName(path.split('/').at(-1) ?? ''), ...describe(await files.stat(path, 'keep')) } }),
  'files.read': read,
  'files.write': write,
  'files.digest': async ({ path }, { files }) => ({ output: await files.digest(path) }),
  'files.commit': async (input, { files, ledger }) => {
    const output = await files.commit(input)
    ledger.confirmed('sent', input.from)
    return { output }
  },
  'files.received': async ({ path, sha256, size }, { files, record, ledger }) => {
    const known = await files.recallDigest(path).catch(() => null)
    if (known !== null && known !== sha256) files.refuse(path, 'received', 'file.digest-differs')
    ledger.confirmed('received', path)
    record({ kind: 'received', path, bytes: size, whole: true, sha256 })
    return { output: {} }
  },
  'files.rename': async ({ from, to }, { files }) => {
    await files.rename(from, to, { replace: false })
    return { output: {} }
  },
  'files.delete': async ({ path }, { files, ledger }) => {
    await files.remove(path, 'any')
    ledger.confirmed('sent', path)
    return { output: {} }
  },
  'files.make-folder': async ({ path }, { files }) => {
    await files.makeFolder(path)
    return { output: {} }
  },
}

async function read({ path, offset, length }: Input<FileCalls, 'files.read'>, { files, stream, ledger, touch }: Exchange): Promise<Answer> {
  const file = await files.open(path, { read: true, write: false })
  let sent = 0
  try {
    const { size, mtimeMs } = await file.stat()
    const end = Math.min(size, offset + (length ?? size))
    const octets = Math.max(0, end - offset)
    stream.respond({ ':status': 200, 'content-length': octets, 'gantry-output': encode({ size, modifiedMs: Math.trunc(mtimeMs) }) })
    await pipeline(async function* contents() {
      while (sent < octets) {
        const chunk = await file.read(Math.min(readBytes, octets - sent), offset + sent)
        // It was cut while it was read: the body ends short of its content-length, which the client sees.
        if (chunk.length === 0) throw new AppError('file.failed', { details: { reason: 'changed' } })
        sent += chunk.length
        touch(chunk.length)
        yield chunk
      }
    }, stream)
    return 'sent'
  } finally {
    await file.close('done')
    ledger.moved('received', path, sent)
  }
}

async function write({ path, offset, truncate }: Input<FileCalls, 'files.write'>, { files, stream, ledger, touch }: Exchange): Promise<Answer> {
  const file = await files.open(path, { read: false, write: true, create: true })
  let written = 0
  try {
    if (truncate) await file.truncate(offset)
    for await (const chunk of batches(stream)) {
      await file.write(chunk, offset + written)
      written += chunk.length
      touch(chunk.length)
    }
    return { output: { size: (await file.stat()).size } }
  } finally {
    await file.close('cut')
    ledger.moved('sent', path, written)
  }
}

/** HTTP/2 frames are 16 KiB; the disk is asked once per MiB. Throws when the client gave up in the middle. */
async function* batches(stream: ServerHttp2Stream): AsyncGenerator<Buffer, void, void> {
  let parts: Buffer[] = []
  let length = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part)
    length += part.length
    if (length < writeBytes) continue
    yield Buffer.concat(parts, length)
    parts = []
    length = 0
  }
  if (stream.aborted) throw new AppError('file.cancelled')
  if (length > 0) yield Buffer.concat(parts, length)
}
