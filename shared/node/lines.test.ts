import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { wire } from '../../test/support/wire.ts'
import { type Contract, type Handlers, serve } from '../contract.ts'
import { AppError } from '../errors.ts'
import { createLineClient, createLineSplitter, readLines, serveLines, writeLine } from './lines.ts'

const contract = {
  'number.double': { input: z.strictObject({ number: z.number() }), output: z.object({ number: z.number() }) },
  'number.refuse': { input: z.strictObject({}), output: z.object({}) },
  'number.wait': { input: z.strictObject({}), output: z.object({}) },
  'number.lie': { input: z.strictObject({}), output: z.object({ number: z.number() }) },
} satisfies Contract

async function collect(stream: PassThrough, maxBytes = 100, signal?: AbortSignal): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(stream, { maxBytes, signal })) lines.push(line)
  return lines
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'none',
    (error: unknown) => (error instanceof AppError ? error.code : error),
  )
}

describe('reading lines', () => {
  test('gives the same lines however the bytes are cut, and drops a half one at the end', async () => {
    const text = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }).map((line) => line.replaceAll('\n', ' ')))
    await fc.assert(
      fc.asyncProperty(text, fc.string({ maxLength: 10 }), fc.array(fc.nat(40)), async (lines, half, cuts) => {
        const stream = new PassThrough()
        const bytes = Buffer.from([...lines.map((line) => `${line}\n`), half.replaceAll('\n', '')].join(''))
        let from = 0
        for (const cut of cuts) {
          stream.write(bytes.subarray(from, from + cut))
          from = Math.min(from + cut, bytes.length)
        }
        stream.end(bytes.subarray(from))
        expect(await collect(stream, 400)).toEqual(lines)
      }),
    )
  })

  test('never keeps more than the limit, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        const split = createLineSplitter(32)
        try {
          for (const chunk of chunks) for (const line of split(Buffer.from(chunk))) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(32)
        } catch (error) {
          expect(['contract.too-large', 'contract.bad-input']).toContain(error instanceof AppError && error.code)
        }
      }),
    )
  })

  test('refuses a line over the limit and bytes that are no UTF-8', async () => {
    const long = new PassThrough()
    long.write('a'.repeat(101))
    expect(await codeOf(collect(long))).toBe('contract.too-large')
    const bad = new PassThrough()
    bad.end(Buffer.from([0xff, 0x0a]))
    expect(await codeOf(collect(bad))).toBe('contract.bad-input')
  })

  test('ends with the reason of the signal', async () => {
    const controller = new AbortController()
    const stream = new PassThrough()
    const reading = collect(stream, 100, controller.signal)
    stream.write('one\n')
    controller.abort(new AppError('session.ended'))
    expect(await codeOf(reading)).toBe('session.ended')
    expect(stream.destroyed).toBe(true)
  })
})

describe('writing lines', () => {
  test('waits while the stream is full, and rejects when it is gone', async () => {
    const stream = new PassThrough({ highWaterMark: 16 })
    let written = false
    const writing = writeLine(stream, 'more than sixteen bytes').then(() => {
      written = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(written).toBe(false)
    stream.resume()
    await writing
    stream.pause()
    const late = writeLine(stream, 'more than sixteen bytes again')
    stream.destroy()
    expect(await codeOf(late)).toBe('server.unreachable')
    expect(await codeOf(writeLine(stream, 'x'))).toBe('server.unreachable')
  })
})

function connect(handlers: Partial<Handlers<typeof contract, string>> = {}, maxRunning?: number) {
  const [near, far] = wire()
  const all: Handlers<typeof contract, string> = {
    'number.double': ({ number }) => ({ number: number * 2 }),
    'number.refuse': () => {
      throw new AppError('session.channel-refused', { details: { level: 'files' } })
    },
    'number.wait': () => new Promise(() => {}),
    'number.lie': () => ({ number: 'three' as unknown as number }),
    ...handlers,
  }
  const served = serveLines(
    far,
    serve(contract, all, () => {}),
    'context',
    { maxBytes: 1_000, ...(maxRunning ? { maxRunning } : {}) },
  )
  return { client: createLineClient(contract, near), near, far, served }
}

describe('calls by line', () => {
  test('are answered by name, many at once, failures as the same failures', async () => {
    const { client } = connect()
    const numbers = await Promise.all([1, 2, 3].map((number) => client.call('number.double', { number })))
    expect(numbers).toEqual([{ number: 2 }, { number: 4 }, { number: 6 }])
    await expect(client.call('number.refuse', {})).rejects.toMatchObject({ code: 'session.channel-refused', details: { level: 'files' } })
    await expect(client.call('number.double', { number: 'x' as unknown as number })).rejects.toMatchObject({ code: 'contract.bad-input' })
    await expect(client.call('number.lie', {})).rejects.toMatchObject({ code: 'server.answer-bad' })
    client.close()
    await client.closed
  })

  test('hear events between answers', async () => {
    const { client, far } = connect()
    const events: unknown[] = []
    const stop = client.onEvent((event, payload) => events.push([event, payload]))
    await writeLine(far, { event: 'activity', payload: { seq: 1 } })
    await client.call('number.double', { number: 1 })
    stop()
    await writeLine(far, { event: 'activity', payload: { seq: 2 } })
    await client.call('number.double', { number: 1 })
    expect(events).toEqual([['activity', { seq: 1 }]])
    client.close()
  })

  test('that wait are rejected when the stream goes', async () => {
    const { client, far } = connect()
    const waiting = codeOf(client.call('number.wait', {}))
    far.destroy()
    expect(await waiting).toBe('server.unreachable')
    await client.closed
    expect(await codeOf(client.call('number.double', { number: 1 }))).toBe('server.unreachable')
  })

  test('are given up when the other end speaks no sense', async () => {
    for (const sense of ['{"id":99,"result":{"ok":true,"value":1}}\n', 'hello\n', '{"id":1,"result":{"ok":"maybe"}}\n']) {
      const { client, far } = connect()
      const waiting = codeOf(client.call('number.wait', {}))
      far.write(sense)
      expect(await waiting).toBe('server.answer-bad')
      await client.closed
    }
  })

  test('run so many at once and no more', async () => {
    let running = 0
    let most = 0
    const gates: (() => void)[] = []
    const wait = async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise<void>((resolve) => gates.push(resolve))
      running -= 1
      return {}
    }
    const { client } = connect({ 'number.wait': wait }, 2)
    const calls = [1, 2, 3, 4, 5].map(() => client.call('number.wait', {}))
    let left = calls.length
    for (const call of calls) void call.then(() => left--)
    while (left > 0) {
      // Long enough for every call that may run to have begun.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      gates.shift()?.()
    }
    expect(most).toBe(2)
    client.close()
  })

  test('end the service when their form is broken', async () => {
    for (const line of [
      '{}\n',
      '{"id":0,"name":"a","input":1}\n',
      'hello\n',
      `${'a'.repeat(2_000)}\n`,
      '{"id":1,"name":"number.double","input":{},"more":1}\n',
    ]) {
      const { near, served } = connect()
      near.write(line)
      expect(['contract.bad-input', 'contract.too-large']).toContain(await codeOf(served))
    }
  })
})
