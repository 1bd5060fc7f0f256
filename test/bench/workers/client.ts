import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { createServices } from '../../../main/services/create-services.ts'
import { createSandboxSecrets } from '../../../main/services/sandbox-secrets.ts'
import type { Asked, Services, Session } from '../../../main/services/services.ts'
import type { SessionView } from '../../../shared/ipc.ts'
import { flood } from './flood.ts'
import { createScreen, resumeAfterKill, type Screen, startEcho, type Typing, typeKeys } from './typist.ts'
import { serveCalls } from './worker.ts'

/** The desktop client's services, as the window's host has them, in a process of their own. */
type Open = { asked: Asked; session: Session; screen: Screen; prompt: { atMs: number } }
let services: Services
let requested: Promise<Open>

export type ClientCalls = typeof calls
const calls = {
  async start({ dir, mainServer, ca, ports }: { dir: string; mainServer: string; ca: string; ports: Record<number, number> }) {
    reroute(ports)
    services = await createServices({
      profileDir: join(dir, 'client'),
      mainServer,
      ca: readFileSync(ca, 'utf8'),
      secretStore: createSandboxSecrets(dir),
      openBrowser: () => undefined,
      party: 'command-line',
      about: { version: 'bench', host: 'browser', hostReason: null, sandbox: true },
      log: { info: () => undefined, warn: () => undefined, error: (message, facts) => console.error(message, facts ?? '') },
    })
  },
  /** Asks for the device; everything up to the prompt happens by itself once somebody presses Allow. */
  async ask({ device }: { device: string }) {
    const { id } = await services.devices.find(device)
    const input = { deviceId: id, access: 'os', serviceKind: 'support', reason: 'Bench', caseId: 'bench', minutes: 60 } as const
    const asked = await services.requests.ask(input, { terminal: { columns: 80, rows: 24 } })
    requested = toPrompt(asked)
    requested.catch(() => undefined)
  },
  async prompt() {
    return (await requested).prompt
  },
  async startEcho() {
    await startEcho((await requested).screen)
  },
  async type(typing: Omit<Typing, 'signal'>) {
    return typeKeys((await requested).screen, typing)
  },
  async transfer(what: TransferInput) {
    return transfer((await requested).session, what)
  },
  /** A transfer, and keys for as long as it goes on. */
  async typeDuring({ upToMs, ...what }: TransferInput & { upToMs: number }) {
    const { session, screen } = await requested
    const over = new AbortController()
    const transferring = transfer(session, what).finally(() => over.abort())
    const [done, times] = await Promise.all([transferring, typeKeys(screen, { keys: Number.POSITIVE_INFINITY, upToMs, signal: over.signal })])
    return { ...done, times }
  },
  async flood({ bytes }: { bytes: number }) {
    return flood((await requested).session, bytes)
  },
  async view(): Promise<SessionView> {
    return (await requested).session.view()
  },
  async resume({ pid }: { pid: number }) {
    return resumeAfterKill((await requested).screen, pid)
  },
  async end() {
    const { session } = await requested
    await session.end()
    await session.ended
  },
  async close() {
    await services.close()
  },
}
serveCalls(calls)

/** Connections to these ports go to others, which lie further away. The device's own are as they were. */
function reroute(ports: Record<number, number>): void {
  const { connect } = net
  type Connect = (target: unknown, ...rest: unknown[]) => net.Socket
  const further = (target: unknown) =>
    typeof target === 'object' && target !== null && 'port' in target ? { ...target, port: ports[Number(target.port)] ?? target.port } : target
  net.connect = ((target, ...rest) => (connect as Connect)(further(target), ...rest)) as Connect as typeof connect
  syncBuiltinESMExports()
}

async function toPrompt(asked: Asked): Promise<Open> {
  const session = await asked.session
  const terminal = await session.openTerminal({ columns: 80, rows: 24 })
  const first = Promise.withResolvers<number>()
  const screen = createScreen(
    (keys) => terminal.write(keys),
    (listener) =>
      terminal.onData((data) => {
        first.resolve(Date.now())
        terminal.drawn(data.length)
        listener(data)
      }),
  )
  return { asked, session, screen, prompt: { atMs: await first.promise } }
}

export type TransferInput = { direction: 'put' | 'get'; from: string; to: string }

async function transfer({ requestId }: Session, { direction, from, to }: TransferInput): Promise<{ seconds: number }> {
  const start = performance.now()
  const { transferIds } = await services.transfers.start({ requestId, replace: true, direction, from: [from], to })
  const done = await services.transfers.finished(transferIds[0] ?? '')
  if (done.state !== 'done' || !done.verified) throw new Error(`transfer failed: ${JSON.stringify(done.failure)}`)
  return { seconds: (performance.now() - start) / 1_000 }
}
