import { chownSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { WellKnown } from '@gantry/shared/client-api.ts'
import { getJson } from '@gantry/shared/node/api-client.ts'
import { createDialler } from '@gantry/shared/node/dial.ts'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { thumbprint } from '@gantry/shared/node/signing.ts'
import { SandboxFile } from '@gantry/shared/sandbox-api.ts'
import type { PublicJwk } from '@gantry/shared/ticket.ts'
import { certifySpecialist } from './authority.ts'
import { caPin, openBeatKey, openCa, writeServerCertificate } from './certificates.ts'
import { compileCache } from './compile-cache.ts'
import { accessServerConfig, agentConfig, fleetList, isSandbox, mainServerConfig, originOf, type Ports, panelConfig, type TlsFiles } from './configs.ts'
import { openControlSocket, type SecretStore } from './control-socket.ts'
import { base32, type Credentials, openCredentials, rememberPorts } from './credentials.ts'
import { type DevicePlace, placeDevice } from './device-files.ts'
import { devicesWithAgent, type Hospital, readHospital, type SandboxDevice, seedFrom } from './hospital.ts'
import { createPanelDesk, type PanelDesk } from './panel-desk.ts'
import { type Part, type PartEvent, type PartSpec, startPart } from './part.ts'
import { signPolicies } from './policies.ts'
import { choosePort } from './ports.ts'
import { standAtPanel } from './practice-person.ts'
import { lockFolder, makeFolder, makeFolders, makeRuntimeFolder, outsideFolder, type Paths, pathsOf, resetFolder } from './state-folder.ts'

export type SandboxOptions = {
  state: string
  reset: boolean
  language: 'en' | 'fr'
  onEvent: (event: PartEvent) => void
  signal: AbortSignal
  network?: Network
  /** How many of the devices get an agent and a panel; the others are as if switched off. */
  devices?: number | undefined
  /** One more, for rehearsals, whose panel a simulated person presses. */
  practice?: boolean
}
/** Where the parts run, if not all here: what starts each, and who listens where. */
export type Network = {
  ports: Required<Ports>
  on(part: string, argv: PartSpec['argv']): PartSpec['argv']
  restartDelayMs: (failures: number) => number
}

export type RunningDevice = { device: SandboxDevice; place: DevicePlace; supervisor: Part }
export type Sandbox = {
  paths: Paths
  ports: Ports
  specialist: { name: string; username: string; password: string; totpSecret: string }
  devices: RunningDevice[]
  desk: PanelDesk
  mainServer: Part
  accessServers: [Part, Part]
  /** The CA's public key, for a browser that shall know this sandbox's servers and nothing else. */
  pin: string
  startMore(spec: Omit<PartSpec, 'log'>): Part
  writeConfig(name: string, config: unknown): string
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..')
/** Panels run as this account where the sandbox is root's: neither root nor the account of the session's shell. */
const panelAccount = { uid: 65_533, gid: 65_533 }
const serviceRestartCode = 75

/** Starts everything but the desktop client. Whatever fails, nothing is left running. Throws `state.in-use`, `port.busy`, and what a part says. */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const closers: (() => unknown)[] = []
  const stop = async () => {
    for (let close = closers.pop(); close; close = closers.pop()) await close()
  }
  try {
    return await start(options, closers, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  { state, reset, language, onEvent, signal, network, devices: running, practice = false }: SandboxOptions,
  closers: (() => unknown)[],
  stop: () => Promise<void>,
): Promise<Sandbox> {
  const paths = pathsOf(state)
  closers.push(lockFolder(paths))
  if (reset) resetFolder(paths, outsideFolder(paths))
  const world = readHospital(practice)
  const devices = devicesWithAgent(world.hospital, world.models).filter((device) => device.practice || device.number <= (running ?? Number.POSITIVE_INFINITY))
  makeFolders(
    paths,
    devices.map(({ number }) => number),
  )
  const credentials = openCredentials(paths.credentials, world.hospital)
  const ports = network?.ports ?? (await rememberedPorts(paths, credentials))
  const runtime = openRuntime(paths, closers)
  const tools: Tools = {
    paths,
    ports,
    runtime,
    language,
    onEvent,
    signal,
    closers,
    env: partEnvironment(),
    on: network?.on ?? ((_part, argv) => argv),
    ...(network ? { restartDelayMs: network.restartDelayMs } : {}),
  }

  const secrets: SecretStore = new Map()
  const panels = new Map<string, Part>()
  const desk = createPanelDesk(devices, (device, input) => panels.get(device.id)?.send(input))
  for (const view of desk.views) if (view.device.practice) closers.push(standAtPanel(view))
  const person = world.hospital.specialists[0] as Hospital['specialists'][number]
  const specialist = { username: person.username, ...(credentials.specialists[person.username] as Credentials['specialists'][string]) }
  const controlSocket = join(runtime, 'control')
  closers.push(await openControlSocket(controlSocket, { secrets, credentials: specialist, panels: desk }, (error) => console.error(error)))

  const places = new Map(devices.map((device) => [device.id, placeDevice(paths, device)]))
  for (const device of devices) {
    startService(tools, device, places.get(device.id) as DevicePlace)
    panels.set(
      device.id,
      startPanel(tools, device, (line) => desk.find(device.id).show(line)),
    )
  }
  const [ca, authority] = await Promise.all([
    openCa(paths),
    certifySpecialist(person, { paths, secrets, officers: credentials.officers, program: join(root, 'authority/main.ts') }),
    signPolicies(paths, devices, credentials.policy),
  ])
  const tls = await Promise.all(
    [paths.mainServer, paths.accessServer(1), paths.accessServer(2)].map((folder) => writeServerCertificate(ca, folder, Object.values(ports.hosts ?? {}))),
  )

  const beatKeys = [1, 2].map((number) => openBeatKey(paths.accessServer(number)))
  const mainServer = await startMainServer(tools, {
    fleet: fleetList(
      ports,
      beatKeys.map(({ publicJwk }) => publicJwk),
    ),
    tls: tls[0] as TlsFiles,
    authorityKey: authority.key,
    // The secrets of the sandbox before went with it: a sign-in from then is nobody's any more.
    seed: { ...seedFrom(world, credentials), sandbox: isSandbox(ports), signedInSince: new Date().toISOString() },
  })
  const { ticketKey } = await getJson({ origin: originOf(ports), dial: createDialler({ ca: ca.certificatePem }) }, WellKnown, { path: '/.well-known/gantry' })
  const accessServers = [1, 2].map((number) =>
    runPart(
      tools,
      `access-server-${number}`,
      'cloud/access-server/main.ts',
      accessServerConfig(paths, number as 1 | 2, {
        ports,
        tls: tls[number] as TlsFiles,
        ticketKey,
        authorityKey: authority.key,
        key: beatKeys[number - 1]?.key ?? '',
      }),
    ),
  ) as [Part, Part]
  const started = devices.map((device) => {
    const place = places.get(device.id) as DevicePlace
    const enrolmentCode = `GNT1-${credentials.enrolment[device.id]}-${authorityMark(authority.key)}`
    return { device, place, supervisor: startAgent(tools, device, { place, enrolmentCode }) }
  })
  await Promise.all([...accessServers, ...started.map(({ supervisor }) => supervisor), ...panels.values()].map(({ ready }) => ready))

  const file: SandboxFile = { version: 1, pid: process.pid, controlSocket, mainServer: originOf(ports), ca: paths.ca, clientProfile: paths.client }
  writeJsonFile(paths.file, file, 0o644)
  closers.push(() => rmSync(paths.file, { force: true }))
  return {
    paths,
    ports,
    specialist: { name: person.name, ...specialist },
    devices: started,
    desk,
    mainServer,
    accessServers,
    pin: caPin(ca),
    startMore: (spec) => open(tools, spec),
    writeConfig: (name, config) => writeConfig(paths, name, config),
    stop,
  }
}

type Tools = {
  paths: Paths
  ports: Ports
  runtime: string
  language: 'en' | 'fr'
  onEvent: (event: PartEvent) => void
  signal: AbortSignal
  closers: (() => unknown)[]
  env: NodeJS.ProcessEnv
  on: Network['on']
  restartDelayMs?: Network['restartDelayMs']
}

async function rememberedPorts(paths: Paths, credentials: Credentials): Promise<Ports> {
  const ports = await choosePorts(credentials.ports)
  rememberPorts(paths.credentials, credentials, ports)
  return ports
}

async function choosePorts(known: Credentials['ports']): Promise<Ports> {
  const taken = new Set<number>()
  const next = (name: keyof Credentials['ports']) => choosePort(known[name], taken)
  return {
    people: await next('people'),
    agents: await next('agents'),
    access1: await next('access1'),
    access2: await next('access2'),
    panels: await next('panels'),
  }
}

/** A sandbox that was killed left its sockets behind; the lock says that nobody uses them now. */
function openRuntime(paths: Paths, closers: (() => unknown)[]): string {
  const before = readJsonFileIfThere(paths.file, SandboxFile.pick({ controlSocket: true }))
  const left = before ? dirname(before.controlSocket) : ''
  if (basename(left).startsWith('gantry-')) rmSync(left, { recursive: true, force: true })
  const folder = makeRuntimeFolder()
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Few variables, so that nothing of whoever started the sandbox reaches a part. */
function partEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG, TZ, SystemRoot } = process.env
  const kept = Object.entries({ PATH, HOME, LANG, TZ, SystemRoot }).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(kept), NODE_COMPILE_CACHE: compileCache }
}

function open({ paths, onEvent, signal, closers, env, on, restartDelayMs }: Tools, spec: Omit<PartSpec, 'log'>): Part {
  const part = startPart(
    { env, signal, ...(restartDelayMs ? { restartDelayMs } : {}), ...spec, argv: on(spec.name, spec.argv), log: join(paths.logs, `${spec.name}.log`) },
    onEvent,
  )
  closers.push(() => part.stop())
  return part
}

function runPart(tools: Tools, name: string, program: string, config: unknown, more: Partial<PartSpec> = {}): Part {
  const file = writeConfig(tools.paths, name, config)
  return open(tools, { name, argv: [process.execPath, join(root, program), '--config', file], ...more })
}

function writeConfig(paths: Paths, name: string, config: unknown): string {
  const file = join(paths.configs, `${name}.json`)
  writeJsonFile(file, config, 0o600)
  return file
}

type MainServerFacts = { tls: TlsFiles; authorityKey: PublicJwk; seed: unknown; fleet: unknown }

async function startMainServer(tools: Tools, { tls, authorityKey, seed, fleet }: MainServerFacts): Promise<Part> {
  const { paths, ports } = tools
  const [seedFile, fleetFile] = [writeConfig(paths, 'seed', seed), writeConfig(paths, 'fleet', fleet)]
  const part = runPart(tools, 'main-server', 'cloud/main-server/main.ts', mainServerConfig(paths, { ports, tls, authorityKey, seedFile, fleetFile }))
  await part.ready
  return part
}

function startAgent(tools: Tools, device: SandboxDevice, { place, enrolmentCode }: { place: DevicePlace; enrolmentCode: string }): Part {
  const { paths, ports, language } = tools
  const folder = paths.device(device.number)
  const control = [process.execPath, join(root, 'sandbox/device/service-control.ts')]
  const config = agentConfig(paths, device, { ports, place, enrolmentCode, panelSocket: panelSocket(tools, device), control, language })
  const file = join(folder, 'device.json')
  writeJsonFile(file, config, 0o600)
  return open(tools, { name: `agent-${device.number}`, argv: [process.execPath, join(root, 'agent/supervisor/main.ts'), '--config', file] })
}

function startPanel(tools: Tools, device: SandboxDevice, show: (line: unknown) => void): Part {
  const socket = panelSocket(tools, device)
  const account = process.getuid?.() === 0 ? panelAccount : null
  makeFolder(dirname(socket), 0o750)
  if (account) chownSync(dirname(socket), account.uid, account.gid)
  return runPart(tools, `panel-${device.number}`, 'agent/panel/main.ts', panelConfig({ socket, account, language: tools.language }), { onLine: show })
}

function panelSocket({ runtime }: Tools, { number }: SandboxDevice): string {
  return join(runtime, `panel-${number}`, 'panel')
}

function startService(tools: Tools, { number, model }: SandboxDevice, { service }: DevicePlace): Part {
  const program = join(root, 'sandbox/device/service.ts')
  const argv: PartSpec['argv'] = [process.execPath, program, '--state', service, '--model', model.name, '--version', model.softwareVersion]
  return open(tools, { name: `service-${number}`, argv, restartCode: serviceRestartCode })
}

/** The authority's half of an enrolment code: 128 bits of its key's thumbprint, which no server can bend to a key of its own. */
function authorityMark(key: PublicJwk): string {
  return base32(Buffer.from(thumbprint(key), 'base64url').subarray(0, 16))
}
