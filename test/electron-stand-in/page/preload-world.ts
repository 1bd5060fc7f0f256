import type { Bridge } from './bridge.ts'
import type { FromPage, ToPage } from './messages.ts'

type Kit = {
  createBridge(outgoing: string, incoming: string, handle: (message: Record<string, unknown>) => unknown): Bridge
  encode(value: unknown): string
  decode(text: string): unknown
}
type Facts = { token: string; inSubFrames: boolean; platform: string; versions: Record<string, string> }
type Listener = (event: object, ...inputs: unknown[]) => void
type Preload = (exports: object, require: (name: string) => unknown, module: object, process: object) => void

/** The world of the preload: `contextBridge` and `ipcRenderer` over a binding of the debugging protocol that only this world has. */
export function preloadWorld({ createBridge, encode, decode }: Kit, { token, inSubFrames, platform, versions }: Facts, preload: Preload) {
  const world = globalThis as unknown as { standInSend?: (text: string) => void; standInReceive: (text: string) => void }
  const binding = world.standInSend
  delete world.standInSend
  const post = (message: FromPage) => binding?.(JSON.stringify(message))
  const strict = <T extends object>(name: string, target: T): T =>
    new Proxy(target, {
      get(of, key) {
        if (typeof key === 'string' && !(key in of) && key !== 'then') {
          post({ kind: 'missing', what: `${name}.${key}` })
          throw new Error(`electron stand-in: ${name}.${key} is not implemented`)
        }
        return Reflect.get(of, key)
      },
    })

  const listeners = new Map<string, Listener[]>()
  const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void; channel: string }>()
  let lastId = 0
  let isDragged = false
  const ipcRenderer = strict('ipcRenderer', {
    invoke(channel: string, ...inputs: unknown[]) {
      const id = ++lastId
      const text = encode(inputs)
      return new Promise((resolve, reject) => {
        calls.set(id, { resolve, reject, channel })
        post({ kind: 'invoke', id, channel, inputs: text })
      })
    },
    on(channel: string, listener: Listener) {
      listeners.set(channel, [...(listeners.get(channel) ?? []), listener])
    },
    off(channel: string, listener: Listener) {
      listeners.set(
        channel,
        (listeners.get(channel) ?? []).filter((one) => one !== listener),
      )
    },
  })
  world.standInReceive = (text) => {
    const message = JSON.parse(text) as ToPage
    if (message.kind === 'dragged') {
      isDragged = true
      return
    }
    if (message.kind === 'event') {
      for (const listener of listeners.get(message.channel) ?? []) listener({}, ...(decode(message.inputs) as unknown[]))
      return
    }
    const call = calls.get(message.id)
    calls.delete(message.id)
    const value = decode(message.value)
    if (message.ok) call?.resolve(value)
    else call?.reject(new Error(`Error invoking remote method '${call.channel}': ${String(value)}`))
  }

  const bridge = createBridge(`${token}-preload`, `${token}-page`, ({ url, name, features }) =>
    post({ kind: 'open', url: url as string, name: name as string, features: features as string }),
  )
  if (window.top !== window && !inSubFrames) return
  post({ kind: 'hello' })
  const watch = (event: Event) => {
    if (!event.isTrusted) return
    if (isDragged && event.type.endsWith('up')) event.stopImmediatePropagation()
    if (event.type === 'mousedown') post({ kind: 'button', type: 'mouseDown' })
    if (event.type !== 'mouseup') return
    isDragged = false
    post({ kind: 'button', type: 'mouseUp' })
  }
  for (const name of ['mousedown', 'pointerup', 'mouseup']) window.addEventListener(name, watch, true)
  const contextBridge = strict('contextBridge', {
    exposeInMainWorld: (name: string, api: unknown) => void bridge.send({ kind: 'expose', name, api: bridge.pack(api) }),
  })
  // Chromium tells no page where a file lies; Electron answers the same for a file that a script made.
  const webUtils = strict('webUtils', { getPathForFile: () => '' })
  const electron = strict('electron', { contextBridge, ipcRenderer, webUtils })
  // A sandboxed preload may ask for electron and a few of Node's modules; ours asks for electron alone.
  const require = (name: string) => {
    if (name === 'electron' || name === 'electron/renderer') return electron
    throw new Error(`module not found: ${name}`)
  }
  const process = strict('process', { platform, versions, type: 'renderer', sandboxed: true, contextIsolated: true })
  const module = { exports: {} }
  try {
    preload(module.exports, require, module, process)
  } catch (error) {
    post({ kind: 'preload-failed', error: String(error) })
  }
}
