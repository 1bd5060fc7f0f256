import { chmodSync, existsSync, mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerRequest } from '../../sandbox/panel-answer.ts'
import { readJsonFile } from '../../shared/node/json-file.ts'
import { createLineClient } from '../../shared/node/lines.ts'
import { SandboxFile, sandboxApi } from '../../shared/sandbox-api.ts'
import { agentOf } from '../e2e/support/processes.ts'
import { newStateFolder, type RunningSandbox, removeSandbox, startSandbox } from '../e2e/support/sandbox.ts'
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
  roots(): Roots
  close(): Promise<void>
}

/** Memory where there is any, or a disk would be measured. Passable for the account of the device's shell. */
export function memoryFolder(): string {
  if (!existsSync('/dev/shm')) return newStateFolder()
  const folder = mkdtempSync('/dev/shm/gantry-bench-')
  chmodSync(folder, 0o711)
  return folder
}

export async function startGantry(folder: string): Promise<Gantry> {
  const sandbox = await startSandbox(folder)
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
  const client = startWorker<ClientCalls>('client.ts')
  await client.call('start', { dir, mainServer: facts.mainServer, ca: facts.ca })
  const press = () => pressAllow(dir, device.id)
  let echoing: Promise<unknown> | null = null
  const openSession = async () => {
    const [pressedMs] = await Promise.all([press(), client.call('ask', { device: device.id })])
    const { atMs } = await client.call('prompt', undefined)
    return (atMs - pressedMs) / 1_000
  }
  return {
    ...{ sandbox, device, client, press, openSession },
    async echoing() {
      echoing ??= openSession().then(() => client.call('startEcho', undefined))
      await echoing
      return client
    },
    roots: () => ({
      client: client.pid,
      agent: agentOf(device.pid),
      'access server': facts.pids.accessServers[0] ?? 0,
      'access server 2': facts.pids.accessServers[1] ?? 0,
    }),
    async close() {
      await client.call('close', undefined).catch(() => undefined)
      await client.stop()
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
