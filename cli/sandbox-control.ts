import { connect } from 'node:net'
import type { Contract, Output } from '@gantry/shared/contract.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { createLineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import { readSandbox } from './place.ts'

/** Credentials of the sandbox's made-up specialist. Errors: `sandbox.not-running`. */
export async function readCredentials(folder: string): Promise<Output<SandboxApi, 'specialist.credentials'>> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = connect(readSandbox(folder).controlSocket, resolve)
  socket.on('error', (error) => reject(new AppError('sandbox.not-running', { cause: error, details: { folder } })))
  await promise
  const client = createLineClient(sandboxApi satisfies Contract, socket, { maxBytes: 65_536 })
  try {
    return await client.call('specialist.credentials', {})
  } finally {
    client.close()
  }
}
