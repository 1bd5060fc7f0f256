import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LicensedManifest, licensedManifestName } from '../../shared/licensed-software.ts'
import { type SigningKey, signJws } from '../../shared/node/signing.ts'
import { changeDirectory } from './directory.ts'
import type { TestDevice, TestServer } from './main-server.ts'

export const inForce = { feature: 'dose-reports', name: 'Dose reports', from: '2020-01-01', until: '2090-06-30' }
export const over = { ...inForce, until: '2021-01-01' }

/** What the release officer puts into the operator's folder, right or wrong. */
export async function publishLicensed(
  out: string,
  content: Buffer,
  { key, ...change }: { key: SigningKey } & Partial<LicensedManifest>,
): Promise<LicensedManifest> {
  const issuedAt = Math.floor(Date.now() / 1_000)
  const file = { name: 'dose-reports-1.0.0.bin', bytes: content.length, sha512: createHash('sha512').update(content).digest('base64url') }
  const times = { issuedAt, expiresAt: issuedAt + 86_400 }
  const manifest: LicensedManifest = { version: 1, serial: 1, feature: inForce.feature, release: '1.0.0', file, ...times, ...change }
  const folder = join(out, inForce.feature)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, file.name), content)
  writeFileSync(join(folder, licensedManifestName), await signJws('licensed-software', manifest, key))
  return manifest
}

/** What the directory says of one device's subscriptions. The number makes it another directory, whatever was there before. */
export function subscribe(server: TestServer, device: TestDevice, ...subscriptions: (typeof inForce)[]): Promise<void> {
  return changeDirectory(server, (seed) => {
    edits += 1
    seed.organisation = `Norvane ${edits}`
    for (const one of seed.customers.flatMap(({ sites }) => sites.flatMap(({ devices }) => devices)))
      if (one.id === device.id) one.subscriptions = subscriptions
  })
}
let edits = 0
