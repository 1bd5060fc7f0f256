import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Config } from '../../agent/config.ts'
import { thumbprint } from '../../shared/node/signing.ts'
import type { PublicJwk } from '../../shared/ticket.ts'
import { createPolicyOwner } from './policy.ts'

/** A device's folder with its config and policy, as the sandbox would write them. */
export type DeviceFolder = { folder: string; config: Config; writePolicy(policy: Record<string, unknown>): void; remove(): void }

export type DeviceFolderWith = { origin: string; ca: string; authorityKey: PublicJwk; secret?: string }

export function createDeviceFolder({ origin, ca, authorityKey, secret = 'abcdefghijklmnopqrst' }: DeviceFolderWith): DeviceFolder {
  const folder = mkdtempSync(join(tmpdir(), 'dev-'))
  writeFileSync(join(folder, 'ca.pem'), ca)
  const config = Config.parse({
    stateDir: join(folder, 'agent'),
    mainServers: [{ enrolOrigin: origin, agentOrigin: origin }],
    ca: join(folder, 'ca.pem'),
    enrolmentCode: `GNT1-${secret}-${authorityPart(authorityKey)}`,
    deviceName: 'CT Suite 3',
    model: { id: 'nv-520', name: 'NV 520', kind: 'injector' },
    policyFile: join(folder, 'policy.json'),
    panelSocket: join(folder, 'panel', 'panel.sock'),
    filesRoot: join(folder, 'files'),
    service: { restart: [], status: [], menu: [], log: join(folder, 'service.log') },
  })
  const owner = createPolicyOwner()
  return {
    folder,
    config,
    writePolicy: (policy) => writeFileSync(config.policyFile, owner.sign(policy)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The enrolment code's second half, worked out here by itself: base 32 of the thumbprint's first 16 bytes. */
export function authorityPart(authorityKey: PublicJwk): string {
  const bits = [...Buffer.from(thumbprint(authorityKey), 'base64url').subarray(0, 16)].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.padEnd(130, '0').match(/.{5}/g) ?? []
  return groups.map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group, 2)]).join('')
}
