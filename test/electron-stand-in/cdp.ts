import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { CDPSession } from 'playwright'

/** Chromium's debugging protocol over its pipe: messages of JSON that end with a NUL. */
export type Target = Pick<CDPSession, 'send' | 'on'>
export type Browser = Target & {
  process: ChildProcess
  session(sessionId: string): Target
}

type Message = { id?: number; method?: string; params?: unknown; sessionId?: string; result?: unknown; error?: { message: string } }
type Waiting = { resolve(value: unknown): void; reject(error: Error): void }

export function startBrowser(program: string, args: string[], gone: () => void): Browser {
  // In a group of its own: a signal to ours ends it only once the app has ended. It ends with its pipe, so none is left behind.
  const child = spawn(program, ['--remote-debugging-pipe', ...args], { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  const [, , , input, output] = child.stdio as [null, null, Readable, Writable, Readable]
  const waiting = new Map<number, Waiting>()
  const events = new EventEmitter()
  events.setMaxListeners(0)
  let lastId = 0

  const take = ({ id, method, params, sessionId, result, error }: Message) => {
    if (id === undefined) return void events.emit(`${sessionId ?? ''} ${method}`, params)
    const one = waiting.get(id)
    waiting.delete(id)
    if (error) one?.reject(new Error(error.message))
    else one?.resolve(result)
  }
  const send = (sessionId: string | undefined, method: string, params: unknown = {}) =>
    new Promise((resolve, reject) => {
      waiting.set(++lastId, { resolve, reject })
      input.write(`${JSON.stringify({ id: lastId, method, params, sessionId })}\0`)
    })
  const target = (sessionId?: string): Target => ({
    send: ((method: string, params?: unknown) => send(sessionId, method, params)) as Target['send'],
    on: ((event: string, listener: (params: unknown) => void) => events.on(`${sessionId ?? ''} ${event}`, listener)) as never,
  })

  input.on('error', () => undefined)
  splitAtNul(output, (text) => take(JSON.parse(text) as Message))
  // Playwright waits for the line that says where Chromium listens. That there is no message bus on a test machine is said thirty times.
  createInterface(child.stderr as Readable).on('line', (line) => /dbus|unexpected operator/.test(line) || process.stderr.write(`${line}\n`))
  child.once('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('Chromium is gone'))
    waiting.clear()
    gone()
  })
  return { ...target(), process: child, session: target }
}

function splitAtNul(stream: Readable, take: (text: string) => void): void {
  let parts: Buffer[] = []
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    let from = 0
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      const text = Buffer.concat([...parts, chunk.subarray(from, end)]).toString('utf8')
      parts = []
      from = end + 1
      take(text)
    }
    if (from < chunk.length) parts.push(chunk.subarray(from))
  })
}
