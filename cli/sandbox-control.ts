import { connect, type Socket } from 'node:net'
import type { Contract, Output } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { readSandbox } from './place.ts'

/** A connection to the sandbox's control socket: its files outlive a sandbox, so whether it runs is told by its socket alone. Errors: `sandbox.not-running`. */
export async function dialSandbox(folder: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(readSandbox(folder).controlSocket, resolve)
  socket.on('error', (error) => reject(new AppError('sandbox.not-running', { cause: error, details: { folder } })))
  await promise
  return socket
}

export async function requireRunning(folder: string): Promise<void> {
  const socket = await dialSandbox(folder)
  socket.destroy()
}

/** Credentials of the sandbox's made-up specialist. */
export async function readCredentials(folder: string): Promise<Output<SandboxApi, 'specialist.credentials'>> {
  const client = createLineClient(sandboxApi satisfies Contract, await dialSandbox(folder), { maxBytes: 65_536 })
  try {
    return await client.call('specialist.credentials', {})
  } finally {
    client.close()
  }
}
