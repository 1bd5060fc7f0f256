import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { type Handlers, serve } from '@gantry/shared/contract.ts'
import type { RequestId } from '@gantry/shared/ids.ts'
import { serveLines } from '@gantry/shared/node/lines.ts'
import { SandboxFile } from '@gantry/shared/sandbox-api.ts'
import { createServices } from '../../../main/services/create-services.ts'
import { createSandboxSecrets } from '../../../main/services/sandbox-secrets.ts'
import { type DriverApi, driverApi } from './driver-api.ts'
import { type Echo, openEcho } from './echo.ts'

/** The desktop client's own services as a process at the desk, told what to do by lines of JSON on stdin. `node driver.ts SANDBOX-FOLDER` */
const folder = process.argv[2] ?? ''
const { mainServer, ca, clientProfile } = SandboxFile.parse(JSON.parse(readFileSync(join(folder, 'sandbox.json'), 'utf8')))
const say = (message: string, facts?: object) => console.error(new Date().toISOString(), message, JSON.stringify(facts ?? {}))
const services = await createServices({
  profileDir: clientProfile,
  mainServer,
  ca: readFileSync(ca, 'utf8'),
  secretStore: createSandboxSecrets(folder),
  openBrowser: () => undefined,
  party: 'command-line',
  about: { version: 'prove', host: 'browser', hostReason: null, sandbox: true },
  log: { info: say, warn: say, error: say },
})
const shells = new Map<string, { session: RequestId; echo: Echo }>()
const shellOf = (name: string): Echo => {
  const shell = shells.get(name)
  if (!shell) throw new Error(`no shell ${name}`)
  return shell.echo
}

const handlers: Handlers<DriverApi, null> = {
  async 'session.open'({ device, access, minutes, caseId }) {
    const start = performance.now()
    const { id } = await services.devices.find(device)
    const asked = await services.requests.ask({ deviceId: id, access, serviceKind: 'support', reason: 'Proof', caseId, minutes })
    const { requestId } = await asked.session
    return { requestId, ms: performance.now() - start }
  },
  async 'device.reach'({ device }) {
    return (await services.devices.find(device)).reach
  },
  async 'case.close'({ device, number }) {
    const { customer } = await services.devices.find(device)
    const { customerId } = await services.cases.find(number, customer.id)
    await services.cases.close({ customerId, number }, 'Seen and mended')
    return {}
  },
  'session.view': ({ requestId }) => services.sessions.get(requestId).view(),
  async 'session.end'({ requestId }) {
    await services.sessions.get(requestId).end()
    for (const [name, { session }] of shells) if (session === requestId) shells.delete(name)
    return {}
  },
  async 'shell.open'({ requestId }) {
    const terminal = await services.sessions.get(requestId).openTerminal({ columns: 120, rows: 40 })
    const echo = await openEcho(terminal)
    shells.set(terminal.id, { session: requestId, echo })
    return { shell: terminal.id, pid: echo.pid }
  },
  'shell.say'({ shell, text }) {
    shellOf(shell).say(text)
    return {}
  },
  'shell.type'({ shell, everyMs }) {
    shellOf(shell).type(everyMs)
    return {}
  },
  'shell.rest'({ shell }) {
    shellOf(shell).rest()
    return {}
  },
  'shell.report': ({ shell }) => shellOf(shell).report(),
  async 'transfer.run'({ requestId, direction, from, to }) {
    const { transferIds } = await services.transfers.start({ requestId, direction, from: [from], to, replace: true })
    return services.transfers.finished(transferIds[0] ?? '')
  },
  'transfer.bytes': () => ({ bytes: services.transfers.list().reduce((sum, { bytes }) => sum + bytes, 0) }),
  async 'action.run'({ requestId, action }) {
    await services.sessions.get(requestId).runAction(action, {})
    return {}
  },
  async 'main-server.ask'() {
    const start = performance.now()
    await services.requests.history()
    return { ms: performance.now() - start }
  },
  'process.resources'() {
    const resources: Record<string, number> = {}
    for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
    return { resources }
  },
}

const pipe = Duplex.from({ readable: process.stdin, writable: process.stdout })
await serveLines(
  pipe,
  serve(driverApi, handlers, (error) => console.error(error)),
  null,
  { maxBytes: 1_048_576, maxRunning: 256 },
)
await services.close()
process.exit(0)
