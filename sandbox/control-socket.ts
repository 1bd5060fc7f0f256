import { chmodSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { type Handlers, serve } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { serveLines } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import type { PanelDesk } from './panel-desk.ts'

export type SecretStore = Map<string, string>
const maxSecrets = 200
const maxCallBytes = 131_072

export type ControlTools = {
  secrets: SecretStore
  credentials: { username: string; password: string; totpSecret: string }
  panels: PanelDesk
}

export function controlHandlers({ secrets, credentials, panels }: ControlTools): Handlers<SandboxApi, null> {
  return {
    'secret.get': ({ name }) => ({ value: secrets.get(name) ?? null }),
    'secret.set': ({ name, value }) => {
      if (!secrets.has(name) && secrets.size >= maxSecrets) throw new AppError('contract.too-large', { details: { maxSecrets } })
      secrets.set(name, value)
      return {}
    },
    'secret.delete': ({ name }) => {
      secrets.delete(name)
      return {}
    },
    'specialist.credentials': () => credentials,
    'panel.state': ({ device }) => panels.find(device).state(),
    'panel.input': ({ device, input }) => {
      panels.find(device).input(input)
      return {}
    },
  }
}

/**
 * Whoever may open the socket is this account: it is 0600 in a folder that others may at most pass through. The secrets behind it are in memory only
 * and gone when the sandbox stops.
 */
export async function openControlSocket(path: string, tools: ControlTools, onDefect: (error: unknown) => void): Promise<() => Promise<void>> {
  const answer = serve(sandboxApi, controlHandlers(tools), onDefect)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    serveLines(socket, answer, null, { maxBytes: maxCallBytes })
      .catch(() => undefined)
      .finally(() => socket.end())
  })
  server.maxConnections = 64
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  chmodSync(path, 0o600)
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((done) => server.close(() => done()))
  }
}
