import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { createLineClient, type LineClient } from '@gantry/shared/node/lines.ts'
import type { Facts } from '../../e2e/support/sandbox.ts'
import { createPolicyOwner } from '../../support/policy.ts'
import { type DriverApi, driverApi } from './driver-api.ts'

/** A client that is signed in to a sandbox, wherever its parts run. */
export type Desk = {
  dir: string
  facts: Pick<Facts, 'devices'>
  client: LineClient<DriverApi>
  clientPid: number
}

export const deviceId = 'dev_ctsuitethree'
/** Allowed without a press at the panel, as a device's owner may; idle sessions live on. */
const policy = {
  version: 1,
  instantPickup: true,
  rules: { diagnostics: 'allow', files: 'allow', application: 'allow', os: 'allow' },
  requestsPerHour: 1_000,
  idleMinutes: 480,
}

/** The policy of every device, put there before its agent starts. */
export function allowAll(dir: string, more: Record<string, unknown> = {}): void {
  for (const number of [1, 2, 3, 4]) {
    const folder = join(dir, 'devices', String(number))
    for (const one of [join(dir, 'devices'), folder]) mkdirSync(one, { recursive: true, mode: 0o711 })
    writeFileSync(join(folder, 'policy.json'), createPolicyOwner().sign({ ...policy, ...more }), { mode: 0o600 })
  }
}

/** `enter` begins the command that runs a program where the client shall sit. */
export function openDriver(
  enter: readonly string[],
  dir: string,
  log: string,
  env: NodeJS.ProcessEnv = {},
): { client: LineClient<DriverApi>; child: ChildProcess } {
  const [program = '', ...argv] = [...enter, process.execPath, join(import.meta.dirname, 'driver.ts'), dir]
  const file = openSync(log, 'a')
  const child = spawn(program, argv, { stdio: ['pipe', 'pipe', file], env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...env } })
  closeSync(file)
  child.stdin?.on('error', () => undefined)
  const pipes = Duplex.from({ readable: child.stdout, writable: child.stdin } as never)
  return { client: createLineClient(driverApi, pipes, { maxBytes: 64_000_000 }), child }
}
