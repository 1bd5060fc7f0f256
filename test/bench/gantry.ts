import { chmodSync, existsSync, mkdtempSync, statfsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerRequest } from '../../sandbox/panel-answer.ts'
import { readJsonFile } from '../../shared/node/json-file.ts'
import { createLineClient } from '../../shared/node/lines.ts'
import { SandboxFile, sandboxApi } from '../../shared/sandbox-api.ts'
import { agentOf, processesOf } from '../e2e/support/processes.ts'
import { newStateFolder, oneDevice, type RunningSandbox, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
import type { Roots } from './cpu.ts'
import type { ClientCalls } from './workers/client.ts'
import { startWorker, type Worker } from './workers/worker.ts'

/** Our side: a whole sandbox, and the client's services in a process of their own. */
export type Gantry = {
  sandbox: RunningSandbox
  device: RunningSandbox['facts']['devices'][number]
  client: Worker<ClientCalls>
  /** Presses Allow for the request that comes next; resolves with the time of the press (`Date.now`). */
  press(): Promise<number>
  /** Asks, presses and waits for the prompt; seconds from the press to the prompt. */
  openSession(): Promise<number>
  /** An open session whose terminal echoes, opened at the first call. */
  echoing(): Promise<Worker<ClientCalls>>
  /** A second client with an open session, for which the access servers lie behind other ports. */
  openBehind(further: (port: number) => Promise<number>): Promise<Worker<ClientCalls>>
  roots(): Roots & { agent: number }
  /** Of `access-1` or `access-2`, which has another number after each restart; 0 while it is down. */
  accessServer(name: string): number
  close(): Promise<void>
}

/** Memory where there is enough (the file, the device's, one that came back, and room), or a disk would be measured. Passable for the account of the device's shell. */
export function memoryFolder(mib: number): string {
  const there = existsSync('/dev/shm') ? statfsSync('/dev/shm') : null
  if (!there || there.bavail * there.bsize < 4 * mib * 1_048_576) return newStateFolder()
  const folder = mkdtempSync('/dev/shm/gantry-bench-')
  chmodSync(folder, 0o711)
  return folder
}

export async function startGantry(folder: string): Promise<Gantry> {
  const sandbox = await startSandbox(folder, ...oneDevice)
  try {
    return await openGantry(sandbox)
  } catch (error) {
    await removeSandbox(sandbox)
    throw error
  }
}

async function openGantry(sandbox: RunningSandbox): Promise<Gantry> {
  const { dir, facts } = sandbox
  const signedIn = await sandbox.gantry('sign-in')
  if (signedIn.code !== 0) throw new Error(`sign-in failed: ${signedIn.stderr}`)
  const [device] = facts.devices
  if (!device) throw new Error('no device')
  const clients: Worker<ClientCalls>[] = []
  const startClient = async (ports: Record<number, number> = {}) => {
    const worker = startWorker<ClientCalls>('client.ts')
    clients.push(worker)
    await worker.call('start', { dir, mainServer: facts.mainServer, ca: facts.ca, ports })
    return worker
  }
  const press = () => pressAllow(dir, device.id)
  const openSession = async (worker = client) => {
    const [pressedMs] = await Promise.all([press(), worker.call('ask', { device: device.id })])
    const { atMs } = await worker.call('prompt', undefined)
    return (atMs - pressedMs) / 1_000
  }
  const client = await startClient()
  const accessServer = (name: string) => processesOf(dir).find(({ command }) => command.includes(`/access-server-${name.slice(-1)}.json`))?.pid ?? 0
  let echoing: Promise<unknown> | null = null
  return {
    ...{ sandbox, device, client, press },
    openSession: () => openSession(),
    async openBehind(further) {
      const ports = facts.accessServers.map((url) => Number(new URL(url).port))
      const worker = await startClient(Object.fromEntries(await Promise.all(ports.map(async (port) => [port, await further(port)]))))
      await openSession(worker)
      return worker
    },
    async echoing() {
      echoing ??= openSession().then(() => client.call('startEcho', undefined))
      await echoing
      return client
    },
    roots: () => ({
      'panels and main server': sandbox.child.pid ?? 0,
      client: client.pid,
      agent: agentOf(device.pid),
      'access server': accessServer('access-1'),
      'access server 2': accessServer('access-2'),
    }),
    accessServer,
    async close() {
      for (const worker of clients) {
        await worker.call('close', undefined).catch(() => undefined)
        await worker.stop()
      }
      await removeSandbox(sandbox)
    },
  }
}

async function pressAllow(dir: string, device: string): Promise<number> {
  const { controlSocket } = readJsonFile(join(dir, 'sandbox.json'), SandboxFile)
  const socket = connect(controlSocket)
  const control = createLineClient(sandboxApi, socket)
  let pressedMs = 0
  try {
    const person = {
      state: () => control.call('panel.state', { device }),
      async input(input: Parameters<typeof control.call<'panel.input'>>[1]['input']) {
        pressedMs = Date.now()
        await control.call('panel.input', { device, input })
      },
      pause: () => sleep(100),
      now: Date.now,
    }
    const outcome = await answerRequest(person, { allow: true, code: null, next: true, timeoutMs: 60_000, codeNeeded: 'a code' })
    if (outcome !== 'approved') throw new Error(`the panel says ${outcome}`)
    return pressedMs
  } finally {
    control.close()
    socket.destroy()
  }
}
