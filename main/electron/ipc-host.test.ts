import { serve } from '@gantry/shared/contract.ts'
import { type CallName, calls } from '@gantry/shared/ipc.ts'
import type { IpcMain, IpcMainInvokeEvent, WebContents, WebFrameMain } from 'electron'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgeInput, maxInputSize } from './input-size.ts'
import { hostCalls } from './ipc-host.ts'

type Listener = Parameters<IpcMain['handle']>[1]
const page = 'app://gantry/index.html'
const frameOf = (part: Partial<WebFrameMain> = {}) => ({ url: page, parent: null, detached: false, frameTreeNodeId: 7, ...part }) as WebFrameMain
const contentsOf = (frame: WebFrameMain) => ({ mainFrame: frame, isDestroyed: () => false }) as WebContents
const mainFrame = frameOf()
const contents = contentsOf(mainFrame)

/** Electron's half is a table of listeners; ours is all there. `reached` holds what got past every check. */
function open() {
  const listeners = new Map<string, Listener>()
  const reached: { name: string; input: unknown }[] = []
  const handlerOf = (name: string) => (input: unknown) => {
    reached.push({ name, input })
    return { terminalId: 'term-1' }
  }
  const handlers = Object.fromEntries(Object.keys(calls).map((name) => [name, handlerOf(name)]))
  const answer = serve(calls, handlers as never, () => undefined)
  const { pageGone } = hostCalls({ handle: (channel, listener) => listeners.set(channel, listener) }, answer, () => contents)
  const ask = async (name: string, inputs: unknown[], event: Partial<IpcMainInvokeEvent> = {}) =>
    (await listeners.get(`call:${name}`)?.({ sender: contents, senderFrame: mainFrame, ...event } as IpcMainInvokeEvent, ...inputs)) as { ok: boolean }
  return { ask, reached, pageGone, names: [...listeners.keys()] }
}

const names = Object.keys(calls) as CallName[]

describe('only our page in the main frame of our window is answered (D32, T11)', () => {
  const twin = frameOf()
  test.each<[string, Partial<IpcMainInvokeEvent>]>([
    ['a frame inside it', { senderFrame: frameOf({ parent: mainFrame, frameTreeNodeId: 8 }) }],
    ['another page in its main frame', { senderFrame: frameOf({ url: 'https://evil.example/' }) }],
    ['an address that begins like ours', { senderFrame: frameOf({ url: 'app://gantry/index.html.evil' }) }],
    ['a main frame that is not its own', { senderFrame: frameOf({ frameTreeNodeId: 9 }) }],
    ['a frame that is gone', { senderFrame: null }],
    ['a frame that is being taken down', { senderFrame: frameOf({ detached: true }) }],
    ['another window with the same page', { sender: contentsOf(twin), senderFrame: twin }],
  ])('%s gets nothing from any call', async (_who, event) => {
    const { ask, reached } = open()
    for (const name of names) await expect(ask(name, [{}], event)).rejects.toThrow('foreign frame')
    expect(reached).toEqual([])
  })

  test('every call of the table is served, and no other', () => {
    expect(open().names).toEqual(names.map((name) => `call:${name}`))
  })
})

describe('what the window sends is measured before it is read (D32)', () => {
  test('the largest input that a schema admits fits', () => {
    const paths = Array.from({ length: 1_000 }, () => 'x'.repeat(4_096))
    expect(judgeInput({ requestId: 'req_aaaaaaaaaaaa', direction: 'put', from: paths, to: paths[0], replace: false })).toBe('fits')
    expect(judgeInput({ terminalId: 'term-1', data: 'x'.repeat(1_000_000) })).toBe('fits')
  })

  test.each<[string, () => unknown]>([
    ['a long text', () => ({ data: 'x'.repeat(maxInputSize + 1) })],
    ['a long key', () => ({ ['x'.repeat(maxInputSize + 1)]: 1 })],
    ['many small values', () => Array.from({ length: maxInputSize / 16 }, () => 0)],
    ['an array of a length only', () => new Array(4_000_000_000)],
    ['many levels', () => Array.from({ length: maxInputSize / 16 }).reduce<unknown>((inner) => [inner], 1)],
    [
      'a cycle',
      () => {
        const ring: { ring?: unknown } = {}
        ring.ring = ring
        return ring
      },
    ],
  ])('%s is refused by every call, and no handler hears of it', async (_what, make) => {
    const { ask, reached } = open()
    const input = make()
    for (const name of names) expect(await ask(name, [input])).toEqual({ ok: false, failure: { code: 'contract.too-large', details: { name } } })
    expect(reached).toEqual([])
  })

  test.each<[string, unknown[]]>([
    ['a map', [{ requestId: new Map() }]],
    ['bytes', [new Uint8Array(3)]],
    ['a date', [{ minutes: new Date(0) }]],
    ['a big integer', [{ minutes: 5n }]],
    ['no number', [{ minutes: Number.NaN }]],
    ['an error', [new Error('x')]],
    ['a second argument', [{}, {}]],
  ])('%s is no input', async (_what, inputs) => {
    const { ask, reached } = open()
    for (const name of names) expect(await ask(name, inputs)).toEqual({ ok: false, failure: { code: 'contract.bad-input', details: { name, field: 'input' } } })
    expect(reached).toEqual([])
  })

  test('a thousand inputs of chance to each call: what reaches a handler fits its schema, and nothing throws', async () => {
    const { ask, reached } = open()
    const key = fc.constantFrom('requestId', 'terminalId', 'deviceId', 'path', 'data', 'columns', 'rows', 'minutes', '__proto__')
    const value = fc.anything({ key, maxDepth: 2, withBigInt: true, withMap: true, withSet: true, withDate: true, withTypedArray: true })
    for (const name of names) {
      await fc.assert(
        fc.asyncProperty(value, async (input) => {
          const before = reached.length
          const { ok } = await ask(name, [input])
          expect(ok).toBe(reached.length > before)
          if (ok) expect(calls[name].input.safeParse(input).success).toBe(true)
        }),
        { numRuns: 1_000 },
      )
    }
  })
})

describe('a page that is gone', () => {
  test('leaves no terminal open, and those of the next page alone', async () => {
    const { ask, reached, pageGone } = open()
    const input = { requestId: `req_${'a'.repeat(12)}`, columns: 80, rows: 24 }
    expect(await ask('terminal.open', [input])).toMatchObject({ ok: true })
    const closed = () => reached.filter(({ name }) => name === 'terminal.close').map(({ input: sent }) => sent)
    pageGone()
    await expect.poll(closed).toEqual([{ terminalId: 'term-1' }])
    pageGone()
    expect(closed()).toHaveLength(1)
  })
})
