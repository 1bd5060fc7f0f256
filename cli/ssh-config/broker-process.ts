import { createServer } from 'node:net'
import { AppError } from '@gantry/shared/errors.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { createProfileLock } from '../../main/services/profile-lock.ts'
import { commandLineWords } from '../language.ts'
import { dialSandbox } from '../sandbox-control.ts'
import { type OpenPlace, openServices } from '../services.ts'
import { type Broker, type BrokerSession, createBroker } from './broker.ts'
import { listen, serveBroker } from './broker-server.ts'
import { type Configuration, type ConfigurationFiles, filesOf, readConfiguration } from './configuration.ts'
import { type AgentKey, serveKeys } from './key-agent.ts'
import { ensureRuntimeFolder, leaveRuntimeFolder } from './runtime-folder.ts'
import { takeSessionKey } from './session-keys.ts'
import { publicLine } from './ssh-wire.ts'

/** The one before may take a few seconds to end its session; whoever started this one goes on waiting. */
const lockWaitMs = 20_000
const drainMs = 2_000

/** The process that holds the session of one printed configuration: `gantry ssh-broker FOLDER`, started detached by a ProxyCommand. It says nothing on its own streams. */
export async function runBroker(folder: string): Promise<void> {
  process.umask(0o077)
  const configuration = readConfiguration(folder)
  const files = filesOf(folder, configuration)
  const lock = createProfileLock(files.brokerLock, { waitMs: lockWaitMs })
  await lock(() => hold(configuration, files))
}

async function hold(configuration: Configuration, files: ConfigurationFiles): Promise<void> {
  // Under the lock: the broker before takes the folder away at its end.
  ensureRuntimeFolder(configuration.runtimeFolder)
  const keys: AgentKey[] = []
  let open: OpenPlace | undefined
  const broker = createBroker({
    async ask(options) {
      open = await openServices(configuration.place, { words: commandLineWords.en.usage })
      open.services.on('sign-in.changed', ({ phase }) => phase === 'signed-out' && broker.stop())
      return ask(configuration, { files, keys, open, ...options })
    },
  })
  const stopWatching = await watchSandbox(configuration, broker)
  const agent = createServer((socket) => void serveKeys(socket, { username: configuration.username, keys: () => keys }))
  await listen(agent, files.agentSocket)
  const server = await serveBroker({ socketPath: files.brokerSocket, broker, isRenewal: (error) => error instanceof KeyRenewed })
  process.on('SIGTERM', () => broker.stop())

  await broker.finished
  // In this order: whoever comes now must find no socket and start the next broker, and those that are here hear the cause before their leg is cut.
  server.stopListening()
  agent.close()
  await Promise.all([server.drain(drainMs), open?.services.close()])
  keys.length = 0
  stopWatching()
  leaveRuntimeFolder(configuration.runtimeFolder)
}

type Asking = {
  files: ConfigurationFiles
  keys: AgentKey[]
  open: OpenPlace
  signal: AbortSignal
  pin?: string | undefined
  onProgress: Parameters<Parameters<typeof createBroker>[0]['ask']>[0]['onProgress']
}

async function ask(configuration: Configuration, { files, keys, open, signal, pin, onProgress }: Asking): Promise<BrokerSession> {
  const { deviceId, access, serviceKind, reason, caseId, minutes, id } = configuration
  const { support } = await open.services.keys.load(pin)
  const sessionKey = await takeSessionKey({ id, files, store: open.store })
  if (!sessionKey) throw new KeyRenewed()
  keys.push({ key: sessionKey, comment: 'gantry-session' }, { key: support, comment: 'gantry-support' })
  writeFileWhole(files.support, publicLine(support.publicJwk, 'gantry-support'))
  signal.throwIfAborted()
  const asked = await open.services.requests.ask({ deviceId, access, serviceKind, reason, caseId, minutes }, { signal, sessionKey, pin, onProgress })
  const session = await asked.session
  if (configuration.patientData) await session.askRestricted()
  // OpenSSH reads known hosts after the version exchange, and gets no version before this is written (ProxyCommand holds it back).
  writeFileWhole(files.knownHosts, `${deviceId} ${session.hostKey}\n`)
  return { openLeg: (legSignal) => session.openControlLeg({ signal: legSignal }), ended: session.ended }
}

/** The session key's private half was lost with the sandbox's memory; a new one lies ready. */
class KeyRenewed extends AppError {
  constructor() {
    super('session.ended', { details: { what: 'key' } })
  }
}

/** A sandbox that stops takes its people's work with it: its control socket closes, whatever way it ends. */
async function watchSandbox({ place }: Configuration, broker: Broker): Promise<() => void> {
  if (place.kind !== 'sandbox') return () => undefined
  const socket = await dialSandbox(place.folder)
  socket.once('close', () => broker.stop())
  socket.resume()
  return () => socket.destroy()
}
