import type { Readable } from 'node:stream'
import { AppError } from '../errors.ts'

/**
 * The bytes before `marker`; those behind it stay in the stream for whoever reads next. Needs a stream in paused mode, and leaves it so.
 * Throws `contract.too-large` when the marker does not come within `maxBytes`, `server.unreachable {hop: 'stream'}` when the stream ends or breaks first,
 * and the signal's reason when it aborts. The stream is the caller's to close.
 */
export async function readUntil(
  stream: Readable,
  marker: string,
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const end = Buffer.from(marker)
  let kept: Buffer = Buffer.alloc(0)
  const read = () => {
    for (let chunk: Buffer | null = stream.read(); chunk; chunk = stream.read()) {
      // The marker may be cut in two by the chunks, so look again a little before the seam.
      const from = Math.max(0, kept.length - end.length)
      kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk])
      const at = kept.indexOf(end, from)
      if (at >= 0 && at <= maxBytes) {
        stop()
        if (at + end.length < kept.length) stream.unshift(kept.subarray(at + end.length))
        return resolve(kept.subarray(0, at))
      }
      if (at >= 0 || kept.length >= maxBytes + end.length) return fail(new AppError('contract.too-large', { details: { maxBytes } }))
    }
  }
  const fail = (error: unknown) => {
    stop()
    reject(error)
  }
  const gone = (error?: unknown) => fail(new AppError('server.unreachable', { details: { hop: 'stream' }, cause: error }))
  const abort = () => fail(signal?.reason)
  const stop = () => {
    stream.off('readable', read).off('end', gone).off('close', gone).off('error', gone)
    signal?.removeEventListener('abort', abort)
  }
  if (signal?.aborted) throw signal.reason
  if (stream.destroyed || stream.readableEnded) throw new AppError('server.unreachable', { details: { hop: 'stream' } })
  signal?.addEventListener('abort', abort, { once: true })
  stream.on('readable', read).on('end', gone).on('close', gone).on('error', gone)
  read()
  return promise
}
