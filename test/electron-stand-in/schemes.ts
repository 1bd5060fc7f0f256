import type { CustomScheme, Protocol } from 'electron'
import { type Members, notImplemented, strict } from './strict.ts'

/**
 * Chromium goes only to schemes that it was built with, so `app://host/path` travels as `https://host.app.scheme.localhost/path`: standard, secure, with an
 * origin of its own, as a privileged scheme is.
 */
type Handler = (request: Request) => Response | Promise<Response>
const suffix = '.scheme.localhost'
const privileged = new Set<string>()
const handlers = new Map<string, Handler>()

export function toWire(address: string): string {
  const [, scheme = '', host, rest] = /^([a-z][a-z0-9+-]*):\/\/([^/?#]*)(.*)$/i.exec(address) ?? []
  return privileged.has(scheme) ? `https://${host}.${scheme}${suffix}${rest || '/'}` : address
}

export function fromWire(address: string): string {
  const [, host, scheme, rest] = /^https:\/\/([^/?#]*)\.([a-z0-9+-]+)\.scheme\.localhost(.*)$/i.exec(address) ?? []
  return scheme ? `${scheme}://${host}${rest}` : address
}

/** The answer of the app itself; null for an address that is not of one of its schemes. */
export async function answerFromApp(address: string, init: { method: string; headers: Record<string, string> }): Promise<Response | null> {
  const handler = handlers.get(address.split(':', 1)[0] ?? '')
  return handler ? handler(new Request(address, init)) : null
}

export const protocol = strict('protocol', {
  registerSchemesAsPrivileged(schemes: CustomScheme[]) {
    for (const { scheme, privileges } of schemes) {
      if (!privileges?.standard || !privileges.secure) notImplemented(`a scheme that is not standard and secure (${scheme})`)
      privileged.add(scheme)
    }
  },
  handle(scheme: string, handler: (request: GlobalRequest) => GlobalResponse | Promise<GlobalResponse>) {
    if (!privileged.has(scheme)) notImplemented(`protocol.handle for ${scheme}, which was not registered as privileged`)
    if (handlers.has(scheme)) throw new Error('The scheme has been registered')
    handlers.set(scheme, handler as Handler)
  },
} satisfies Members<Protocol>)
type GlobalRequest = Parameters<Parameters<Protocol['handle']>[1]>[0]
type GlobalResponse = Awaited<ReturnType<Parameters<Protocol['handle']>[1]>>
