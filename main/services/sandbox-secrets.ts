import { connect } from 'node:net'
import { join } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { createLineClient, type LineClient } from '@gantry/shared/node/lines.ts'
import { type SandboxApi, SandboxFile, sandboxApi } from '@gantry/shared/sandbox-api.ts'
import type { SecretStore } from './secret-store.ts'

/**
 * The sandbox's secret store, which stands in for the OS keychain under `--sandbox DIR`: in the sandbox's memory, behind a socket that only its owner can open.
 * One connection for each call, so that nothing keeps a command alive. Errors: `sandbox.not-running`.
 */
export function createSandboxSecrets(sandboxDir: string): SecretStore {
  return {
    kind: 'sandbox',
    get: (name) => ask(sandboxDir, async (client) => (await client.call('secret.get', { name })).value),
    set: (name, value) =>
      ask(sandboxDir, async (client) => {
        await client.call('secret.set', { name, value })
      }),
    delete: (name) =>
      ask(sandboxDir, async (client) => {
        await client.call('secret.delete', { name })
      }),
  }
}

async function ask<T>(sandboxDir: string, call: (client: LineClient<SandboxApi>) => Promise<T>): Promise<T> {
  const client = await dial(sandboxDir)
  try {
    return await call(client)
  } catch (error) {
    if (error instanceof AppError && error.code !== 'server.unreachable') throw error
    throw new AppError('sandbox.not-running', { cause: error })
  } finally {
    client.close()
  }
}

async function dial(sandboxDir: string): Promise<LineClient<SandboxApi>> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  try {
    const { controlSocket } = readJsonFile(join(sandboxDir, 'sandbox.json'), SandboxFile)
    const socket = connect(controlSocket)
    socket.once('connect', resolve)
    socket.on('error', reject)
    await promise
    return createLineClient(sandboxApi, socket, { maxBytes: 65_536 })
  } catch (error) {
    throw new AppError('sandbox.not-running', { cause: error })
  }
}
