import type { Failure, Result } from '@gantry/shared/errors.ts'
import type { Api } from '../preload/api.ts'

/**
 * The browser host's bridge: `window.api` over its loopback WebSocket. Development only; the packaged app has the preload's bridge and not this file.
 * When the socket breaks, open calls fail; when it is back, the page is loaded afresh, since events were missed.
 */
type Waiting = (result: Result<unknown>) => void
type Message = { id: number; result: Result<unknown> } | { event: string; payload: unknown }
const lost: Failure = { code: 'server.unreachable', details: { host: 'gantry', hop: 'browser-host' } }
const retryMs = 1_000

const waiting = new Map<number, Waiting>()
const listeners = new Map<string, Set<(payload: never) => void>>()
let nextId = 1
let socket = open()
let wasOpen = false

function open(): WebSocket {
  const url = new URL('socket', location.href)
  url.protocol = 'ws:'
  const fresh = new WebSocket(url)
  fresh.addEventListener('open', () => {
    if (wasOpen) location.reload()
    wasOpen = true
  })
  fresh.addEventListener('message', (event) => receive(JSON.parse(String(event.data)) as Message))
  fresh.addEventListener('close', () => {
    for (const settle of waiting.values()) settle({ ok: false, failure: lost })
    waiting.clear()
    setTimeout(() => {
      socket = open()
    }, retryMs)
  })
  return fresh
}

function receive(message: Message): void {
  if ('event' in message) {
    for (const listener of listeners.get(message.event) ?? []) (listener as (payload: unknown) => void)(message.payload)
    return
  }
  waiting.get(message.id)?.(message.result)
  waiting.delete(message.id)
}

function send(text: string): void {
  if (socket.readyState === WebSocket.CONNECTING) socket.addEventListener('open', () => socket.send(text), { once: true })
  else socket.send(text)
}

const api: Api = {
  call: (name, input) =>
    new Promise((resolve) => {
      if (socket.readyState > WebSocket.OPEN) return resolve({ ok: false, failure: lost })
      const id = nextId++
      waiting.set(id, resolve as Waiting)
      send(JSON.stringify({ id, name, input }))
    }),
  pathOf: () => '',
  on(name, listener) {
    const known = listeners.get(name) ?? new Set()
    listeners.set(name, known.add(listener))
    return () => {
      known.delete(listener)
    }
  },
}
Object.defineProperty(window, 'api', { value: api })
