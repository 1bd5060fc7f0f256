import { readFile } from 'node:fs/promises'
import { serve } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { calls, type EventName } from '@gantry/shared/ipc.ts'
import { readLines, writeLine } from '@gantry/shared/node/lines.ts'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import { runPart } from '@gantry/shared/node/process.ts'
import { z } from 'zod'
import { createFindProxy } from '../pac/find-proxy.ts'
import { createServices } from '../services/create-services.ts'
import { createSandboxSecrets } from '../services/sandbox-secrets.ts'
import type { SecretStore } from '../services/secret-store.ts'
import { Config } from './config.ts'
import { openBrowserHost } from './host.ts'

/**
 * The development host: the same services and window as in Electron, in Node and a browser. Beside the ready line it writes `{"open":URL}` for a page
 * that a person has to see (its parent opens it), and answers a line `{"type":"new-link"}` with `{"link":URL}`.
 */
const Order = z.strictObject({ type: z.literal('new-link') })
const maxOrderBytes = 4_096

async function main(config: Config, signal: AbortSignal, ready: (facts: Record<string, unknown>) => void): Promise<void> {
  const say = (line: object) => writeLine(process.stdout, line)
  const files = await readPageFiles(config.rendererDir)
  const services = await createServices({
    profileDir: config.profileDir,
    mainServer: config.mainServer,
    otherNames: config.otherNames,
    ca: await readFile(config.ca, 'utf8'),
    secretStore: config.sandboxDir === null ? noSecrets : createSandboxSecrets(config.sandboxDir),
    openBrowser: (url) => say({ open: url }),
    findProxy: { pac: createFindProxy() },
    updates: { unsupported: 'browser-host' },
    party: 'desktop',
    language: config.language,
    about: { version: '0.1.0', host: 'browser', hostReason: config.reason, sandbox: config.sandboxDir !== null },
  })
  const answer = serve(calls, services.handlers, (error, name) => console.error(JSON.stringify({ level: 50, call: name, msg: String(error) })))
  const host = await openBrowserHost({
    files,
    port: config.port,
    answer: (name, input) => answer(name, input, undefined),
    on: (event: EventName, listener) => services.on(event, listener),
  })
  ready({ link: host.newLink(), origin: host.origin, pid: process.pid })
  void takeOrders(() => say({ link: host.newLink() }), signal)
  await aborted(signal)
  await host.close()
  await services.close()
}

async function takeOrders(newLink: () => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const line of readLines(process.stdin, { maxBytes: maxOrderBytes, signal })) {
      if (Order.safeParse(JSON.parse(line)).success) newLink()
    }
  } catch {
    // Whoever writes no orders on stdin gets no further link; the window works on.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Nothing is ever kept in clear: without the sandbox's store this host can hold no sign-in. */
const noSecrets: SecretStore = {
  kind: 'keychain',
  get: () => Promise.reject(new AppError('auth.keychain-missing')),
  set: () => Promise.reject(new AppError('auth.keychain-missing')),
  delete: () => Promise.reject(new AppError('auth.keychain-missing')),
}

await runPart({ Config, main, readsStdin: true })
