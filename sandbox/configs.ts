import { join } from 'node:path'
import type { AccessServerRef, PublicJwk } from '@gantry/shared/ticket.ts'
import type { DevicePlace } from './device-files.ts'
import type { SandboxDevice } from './hospital.ts'
import { policyFile } from './policies.ts'
import type { Paths } from './state-folder.ts'

/** What each part is told: plain JSON, since the sandbox imports no part. The parts check it against their own schemas. */
export type Ports = { people: number; agents: number; access1: number; access2: number; panels: number; hosts?: Hosts }
/** Loopback unless told otherwise. */
export type Hosts = { people: string; agents: string; access1: string; access2: string }
export type TlsFiles = { cert: string; key: string }

const loopback: Hosts = { people: '127.0.0.1', agents: '127.0.0.1', access1: '127.0.0.1', access2: '127.0.0.1' }
const sites = ['East', 'West'] as const
/** Of the access servers; customers name them in `data/hospital.json`. */
const regions = ['na-east', 'na-west'] as const
const always = { stopWithStdin: true }

export function accessServerRefs({ access1, access2, hosts = loopback }: Ports): AccessServerRef[] {
  const at = [
    { host: hosts.access1, port: access1 },
    { host: hosts.access2, port: access2 },
  ]
  return at.map((place, index) => ({ name: `access-${index + 1}`, site: sites[index] ?? '', ...place }))
}

/** Only what never leaves this machine may call itself one, and shows its codes on the sign-in page. */
export function isSandbox({ hosts }: Ports): boolean {
  return hosts === undefined
}

export function originOf({ people, hosts = loopback }: Ports): string {
  return new URL(`https://${hosts.people}:${people}`).origin
}

export function mainServerConfig(
  paths: Paths,
  { ports, tls, authorityKey, seedFile, fleetFile }: { ports: Ports; tls: TlsFiles; authorityKey: PublicJwk; seedFile: string; fleetFile: string },
) {
  const { hosts = loopback } = ports
  return {
    stateDir: paths.mainServer,
    name: 'Gantry sandbox',
    host: hosts.people,
    agentHost: hosts.agents,
    peoplePort: ports.people,
    agentPort: ports.agents,
    tls,
    publicHost: hosts.people,
    publicAgentHost: hosts.agents,
    authorityKey,
    authorityIn: paths.authorityIn,
    seedFile,
    sandbox: isSandbox(ports),
    fleetFile,
    ...always,
  }
}

/** The operator's list: who the access servers are. They say themselves that they are there. */
export function fleetList(ports: Ports, keys: PublicJwk[]) {
  return { version: 1, accessServers: accessServerRefs(ports).map((ref, index) => ({ ...ref, region: regions[index], weight: 1, key: keys[index] })) }
}

export type AccessServerFacts = { ports: Ports; tls: TlsFiles; ticketKey: PublicJwk; authorityKey: PublicJwk; key: string }

export function accessServerConfig(paths: Paths, number: 1 | 2, { ports, tls, ticketKey, authorityKey, key }: AccessServerFacts) {
  const { name, site, host, port } = accessServerRefs(ports)[number - 1] as AccessServerRef
  const register = { mainServers: [originOf(ports)], ca: paths.ca, key }
  return { name, site, region: regions[number - 1], host, port, tls, ticketKey, authorityKey, register, stateDir: paths.accessServer(number), ...always }
}

export type AgentFacts = { ports: Ports; place: DevicePlace; enrolmentCode: string; panelSocket: string; control: string[]; language: 'en' | 'fr' }

export function agentConfig(paths: Paths, device: SandboxDevice, { ports, place, enrolmentCode, panelSocket, control, language }: AgentFacts) {
  const { id, name, kind, softwareVersion } = device.model
  const folder = paths.device(device.number)
  const { hosts = loopback } = ports
  return {
    stateDir: join(folder, 'agent'),
    mainServers: [{ enrolOrigin: `https://${hosts.people}:${ports.people}`, agentOrigin: `https://${hosts.agents}:${ports.agents}` }],
    ca: paths.ca,
    enrolmentCode,
    deviceName: device.name,
    model: { id, name, kind },
    softwareVersion,
    policyFile: policyFile(paths, device.number),
    panelSocket,
    language,
    filesRoot: place.filesRoot,
    licensedFile: join(place.service, 'licensed.json'),
    user: place.user,
    shell: '/bin/bash',
    service: {
      restart: [...control, 'restart', '--state', place.service],
      status: [...control, 'status', '--state', place.service],
      menu: [...place.menu, '--language', language],
      log: join(place.service, 'service.log'),
    },
    ...always,
  }
}

/** The panel is another account than the agent (root here) and the session's shell; agent and panel share the socket's group only. */
export function panelConfig({ socket, account, language }: { socket: string; account: { uid: number; gid: number } | null; language: 'en' | 'fr' }) {
  return { socket, user: account?.uid ?? null, group: account?.gid ?? null, language, ...always }
}
