import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { type DeviceFiles, type DeviceFilesOptions, type FileEvent, openDeviceFiles } from '../../agent/files/device-files.ts'
import { serveFilesLeg } from '../../agent/files/files-leg.ts'
import type { JoinFilesLeg } from '../../main/services/sessions/files-leg.ts'
import { AppError } from '../../shared/errors.ts'
import { selfSigned } from '../../shared/node/certificates.ts'
import { generateSigningKey } from '../../shared/node/signing.ts'
import type { Hash } from '../../shared/ticket.ts'
import { type Fault, faultyWire } from './faulty-wire.ts'

/** The agent's own files and its end of the files leg, over an in-memory wire. */
export type TestDeviceFiles = {
  root: string
  events: FileEvent[]
  join: JoinFilesLeg
  /** Takes another certificate than the client's, or announces another than it shows. */
  lie: { accepts?: Hash; announces?: Hash }
  /** What goes wrong with the next legs, one after the other; `absent`: nobody can be reached. */
  faults: (Fault | 'absent')[]
  /** The client's ends of the legs so far. */
  legs: Duplex[]
  /** Octets that the client's end of each leg was given to send. */
  readonly carried: number[]
  served: Promise<unknown>[]
  close(): Promise<void>
}

/** On a root of its own, unless `root` is given; `disguise` makes of the files what the client gets to see. */
export type TestDeviceOptions = { root?: string; disguise?: (files: DeviceFiles) => DeviceFiles }

export async function openTestDeviceFiles(
  rules: Partial<DeviceFilesOptions['rules']> = {},
  { root: given, disguise = (files) => files }: TestDeviceOptions = {},
): Promise<TestDeviceFiles> {
  const folder = mkdtempSync(join(tmpdir(), 'device-files-'))
  const root = given ?? join(folder, 'root')
  mkdirSync(root, { recursive: true })
  const events: FileEvent[] = []
  const record = (event: FileEvent) => void events.push(event)
  const real = await openDeviceFiles({ root, account: null, rules: { toDevice: true, fromDevice: true, maxFileBytes: 1_000_000_000, ...rules }, record })
  const files = disguise(real)
  const stop = new AbortController()
  const carried: (() => number)[] = []
  const device: TestDeviceFiles = {
    ...{ root, events, lie: {}, faults: [], legs: [], served: [] },
    get carried() {
      return carried.map((count) => count())
    },
    async join(clientCertificate) {
      const identity = await selfSigned(generateSigningKey())
      const fault = device.faults.shift()
      if (fault === 'absent') throw new AppError('server.unreachable', { details: { host: 'access', hop: 'tcp', reason: 'ECONNREFUSED' } })
      const [client, agent, sent] = faultyWire(fault)
      const options = { leg: agent, identity, files, touch: () => undefined, signal: stop.signal }
      const served = serveFilesLeg({ ...options, clientCertificate: device.lie.accepts ?? clientCertificate })
      served.catch(() => undefined)
      device.served.push(served)
      device.legs.push(client)
      carried.push(() => sent())
      return { stream: client, certificate: device.lie.announces ?? identity.hash }
    },
    async close() {
      stop.abort()
      await Promise.allSettled(device.served)
      await real.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return device
}
