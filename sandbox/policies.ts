import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Policy } from '@gantry/shared/device-policy.ts'
import { readJsonFileIfThere, writeFileWhole, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { KeyFile, makeKeyFile, openKeyFile } from '@gantry/shared/node/key-file.ts'
import { policyText, statementOf } from '@gantry/shared/node/signed-policy.ts'
import type { SandboxDevice } from './hospital.ts'
import type { Paths } from './state-folder.ts'

/**
 * The fictitious customers' half: a policy key in `customer/`, with its passphrase beside it as no customer would have it, and a signed policy for each device that
 * has none yet. They are changed as a customer would: `node agent/main.ts policy set`.
 */
export async function signPolicies(paths: Paths, devices: readonly SandboxDevice[], passphrase: string): Promise<void> {
  const without = devices.filter(({ number }) => !existsSync(policyFile(paths, number)))
  if (without.length === 0) return
  const key = await openCustomerKey(paths.customer, passphrase)
  for (const { number, policy } of without) {
    const nowMs = Date.now()
    const statement = statementOf(Policy.parse(policy), { serial: Math.floor(nowMs / 1_000), device: null, owner: key.publicJwk, nowMs })
    writeFileWhole(policyFile(paths, number), policyText(statement, key), 0o600)
  }
}

export const policyFile = (paths: Paths, number: number) => join(paths.device(number), 'policy.json')

async function openCustomerKey(folder: string, passphrase: string) {
  const path = join(folder, 'policy-key.json')
  const known = readJsonFileIfThere(path, KeyFile)
  if (known) return openKeyFile('policy', known, passphrase)
  // The lesser cost: this key guards nothing, and somebody waits for the sandbox.
  const { key, file } = await makeKeyFile('policy', passphrase, 2 ** 14)
  writeJsonFile(path, file)
  writeFileSync(join(folder, 'passphrase'), `${passphrase}\n`, { mode: 0o600 })
  return key
}
