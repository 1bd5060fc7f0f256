import type { Stats } from 'node:fs'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { type Input, parse } from '@gantry/shared/contract.ts'
import { AppError, errorCodes, toFailure } from '@gantry/shared/errors.ts'
import { type FileCallName, type FileCalls, fileCalls, isPartName } from '@gantry/shared/files.ts'
import { drain, feed } from '@gantry/shared/node/blocks.ts'
import type { z } from 'zod'
import { versionOf } from './descriptors.ts'
import type { DeviceFiles } from './device-files.ts'
import { describe } from './listing.ts'
import type { Move } from './moves.ts'
import { showName } from './names.ts'
import type { OpenFile } from './open-file.ts'

/**
 * What the files leg answers: one request per stream, input and output in headers, contents in bodies (`shared/files.ts`).
 * A failure before the first octet is a header with its code; one in the middle resets the stream, since a short body must not look whole.
 */
export type FileAnswers = {
  answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void>
  /** True while contents come from the client. */
  takes(): boolean
  /** Waits for what is under way. */
  finish(): Promise<void>
}
export type FileAnswersOptions = { files: DeviceFiles; touch(bytes: number): void }

const maxEntries = 100_000
const maxInputCharacters = 16_000

type Exchange = FileAnswersOptions & { stream: ServerHttp2Stream; taking: Set<ServerHttp2Stream> }
type Answer = { output: unknown; body?: string } | 'sent'
type Answers = { [N in FileCallName]: (input: Input<FileCalls, N>, exchange: Exchange) => Promise<Answer> }

export function createFileAnswers(options: FileAnswersOptions): FileAnswers {
  const taking = new Set<ServerHttp2Stream>()
  const running = new Set<Promise<void>>()
  return {
    answer(stream, headers) {
      stream.on('error', () => undefined)
      const one: Promise<void> = exchange({ ...options, stream, taking }, headers).finally(() => running.delete(one))
      running.add(one)
      return one
    },
    takes: () => taking.size > 0,
    async finish() {
      await Promise.allSettled(running)
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
  'files.progress': async ({ path, check: key }, { files }) => ({
    output: await files.moves.run(
      { kind: 'sent', key, path },
      () => undefined,
      async ({ check }) => ({ position: check.position }),
    ),
  }),
  'files.take-up': takeUp,
  'files.commit': async ({ from, to, check, tag, replace, modifiedMs }, { files }) => {
    const committed = files.moves.confirm('sent', check, async (move) => {
      if (move.version === null || move.path !== from || move.check.tag() !== tag) return files.refuse(from, 'commit', 'file.digest-differs')
      return files.commit({ from, to, version: move.version, replace, modifiedMs })
    })
    return { output: await (committed ?? files.refuse(from, 'commit', 'file.digest-differs')) }
  },
  'files.abandon': async ({ path, check }, { files }) => {
    await files.moves.run(
      { kind: 'sent', key: check, path },
      () => undefined,
      async ({ owner }) => {
        // Another transfer may have put its own part there.
        if (owner) await files.remove(path, 'file')
      },
    )
    files.moves.forget('sent', check)
    return { output: {} }
  },
  'files.received': async ({ path, check, tag, size }, { files }) => {
    const received = files.moves.confirm('received', check, async (move) => {
      const same = move.check.position === size && move.path === path && move.check.tag() === tag
      if (!same || move.version === null) return files.refuse(path, 'received', 'file.digest-differs')
      await files.received(path, move.version)
      return {}
    })
    return { output: await (received ?? files.refuse(path, 'received', 'file.digest-differs')) }
  },
  'files.rename': async ({ from, to }, { files }) => {
    await files.rename(from, to, { replace: false })
    return { output: {} }
  },
  'files.delete': async ({ path }, { files }) => {
    await files.remove(path, 'any')
    return { output: {} }
  },
  'files.make-folder': async ({ path }, { files }) => {
    await files.makeFolder(path)
    return { output: {} }
  },
}

async function read({ path, offset, length, check: key }: Input<FileCalls, 'files.read'>, exchange: Exchange): Promise<Answer> {
  const { files, stream } = exchange
  if (key)
    return files.moves.run(
      { kind: 'received', key, path },
      () => stream.close(constants.NGHTTP2_CANCEL),
      (move) => send({ path, offset, length, move }, exchange),
    )
  const sent = { bytes: 0 }
  try {
    return await send({ path, offset, length, move: sent }, exchange)
  } finally {
    if (sent.bytes > 0) await files.moved('received', path, { ...sent, whole: false, sha256: Promise.resolve(null) })
  }
}

type Sending = { path: string; offset: number; length: number | undefined; move: Pick<Move, 'bytes'> & Partial<Move> }

async function send({ path, offset, length, move }: Sending, { files, stream, touch }: Exchange): Promise<Answer> {
  const file = await files.open(path, { read: true, write: false })
  try {
    const stat = await file.stat()
    requireSame(move, stat, () => files.refuse(path, 'read', 'file.digest-differs'))
    const end = Math.min(stat.size, offset + (length ?? stat.size))
    const octets = Math.max(0, end - offset)
    stream.respond({ ':status': 200, 'content-length': octets, 'gantry-output': encode({ size: stat.size, modifiedMs: Math.trunc(stat.mtimeMs) }) })
    let at = offset
    const whole = await feed(stream, async (block) => {
      if (at >= end) return 0
      const count = await file.readInto(block, Math.min(block.length, end - at), at)
      // It was cut while it was read: the body ends short of its content-length, which the client sees.
      if (count === 0) throw new AppError('file.failed', { details: { reason: 'changed' } })
      move.check?.add(block.subarray(0, count), at)
      at += count
      move.bytes += count
      touch(count)
      return count
    })
    // What was read is what is there now, or the check means nothing.
    if (whole) requireSame(move, await file.stat(), () => stream.close(constants.NGHTTP2_INTERNAL_ERROR))
    return 'sent'
  } finally {
    await file.close('cut')
  }
}

function requireSame(move: Partial<Move>, stat: Stats, differs: () => void): void {
  const version = versionOf(stat)
  if (move.version && move.version !== version) differs()
  move.version ??= version
}

function write({ path, offset, check: key }: Input<FileCalls, 'files.write'>, exchange: Exchange): Promise<Answer> {
  const { files, stream, taking } = exchange
  taking.add(stream)
  stream.once('close', () => taking.delete(stream))
  return files.moves.run(
    { kind: 'sent', key, path },
    () => stream.close(constants.NGHTTP2_CANCEL),
    (move) => take({ path, offset, move }, exchange),
  )
}

async function take({ path, offset, move }: { path: string; offset: number; move: Move }, { files, stream, touch }: Exchange): Promise<Answer> {
  const file = await openPart(files, path, offset, move)
  try {
    let at = offset
    const whole = await drain(stream, async (octets) => {
      await file.write(octets, at)
      move.check.add(octets, at)
      at += octets.length
      move.bytes += octets.length
      touch(octets.length)
    })
    if (!whole || stream.aborted) throw new AppError('file.cancelled')
    return { output: { size: (await file.stat()).size } }
  } finally {
    move.version = versionOf(await file.stat())
    await file.close('cut')
  }
}

/** A transfer begins with a file of its own, and goes on only with that one, as it left it. */
async function openPart(files: DeviceFiles, path: string, offset: number, move: Move): Promise<OpenFile> {
  const differs = () => files.refuse(path, 'write', 'file.digest-differs')
  if (offset !== move.check.position || move.confirmed) differs()
  if (offset === 0) {
    const create = () => files.open(path, { read: false, write: true, create: true, exclusive: true })
    const file = await create().catch(async (error: unknown) => {
      if (!(error instanceof AppError && error.code === 'file.exists')) throw error
      await files.remove(path, 'file')
      return create()
    })
    files.moves.claim(move)
    return file
  }
  const file = await files.open(path, { read: false, write: true })
  if (versionOf(await file.stat()) === move.version) return file
  await file.close('cut')
  return differs()
}

const blockBytes = 262_144

/** The check means nothing unless it covers every octet of what there is, and unless nobody changed it meanwhile. */
function takeUp({ kind, path, check: key, position }: Input<FileCalls, 'files.take-up'>, { files, touch }: Exchange): Promise<Answer> {
  const differs = () => files.refuse(path, 'take-up', 'file.digest-differs')
  if (kind === 'sent' && !isPartName(path.split('/').at(-1) ?? '')) return files.refuse(path, 'take-up', 'file.name-not-allowed')
  return files.moves.run(
    { kind, key, path },
    () => undefined,
    async (move) => {
      // Asked again after a break of the leg.
      if (move.version !== null && move.check.position > 0) return { output: { position: move.check.position } }
      const file = await files.open(path, { read: true, write: kind === 'sent' })
      try {
        const before = await file.stat()
        const end = kind === 'sent' ? before.size : position
        if (before.size > position && kind === 'sent') return differs()
        if (end > before.size || move.confirmed) return differs()
        const block = Buffer.allocUnsafe(blockBytes)
        for (let at = move.check.position; at < end; at = move.check.position) {
          const count = await file.readInto(block, Math.min(block.length, end - at), at)
          if (count === 0 || !move.check.add(block.subarray(0, count), at)) return differs()
          // It is work for this session, or the session would be idle.
          touch(0)
        }
        if (versionOf(await file.stat()) !== versionOf(before)) return differs()
        move.version = versionOf(before)
        if (kind === 'sent') files.moves.claim(move)
        return { output: { position: end } }
      } finally {
        await file.close('cut')
      }
    },
  )
}
