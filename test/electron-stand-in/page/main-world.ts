import type { Bridge } from './bridge.ts'

/** In the page's own world, before any script of the page: the receiving half of `contextBridge`, and a `window.open` that asks the app first and gives the page nothing. */
export function mainWorld(createBridge: (outgoing: string, incoming: string, handle: (message: Record<string, unknown>) => unknown) => Bridge, token: string) {
  const freeze = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    for (const one of Object.values(value)) freeze(one)
    return Object.freeze(value)
  }
  const bridge = createBridge(`${token}-page`, `${token}-preload`, ({ name, api }) => {
    if (Object.hasOwn(window, name as string)) throw new Error('Cannot bind an API on top of an existing property on the window object')
    Object.defineProperty(window, name as string, { value: freeze(bridge.unpack(api)), writable: false, configurable: false, enumerable: true })
  })
  const open = (url: string | URL = '', name = '', features = '') => {
    bridge.send({ kind: 'open', url: String(new URL(url || 'about:blank', document.baseURI)), name: String(name), features: String(features) })
    return null
  }
  Object.defineProperty(window, 'open', { value: open, writable: true, configurable: true })
  window.addEventListener('click', (event) => {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement)
    if (!link?.target || ['_self', '_top', '_parent'].includes(link.target) || event.defaultPrevented) return
    event.preventDefault()
    open(link.href, link.target)
  })
}
