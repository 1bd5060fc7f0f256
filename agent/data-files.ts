import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Delivery } from '@gantry/shared/agent-api.ts'
import type { NewDeviceEvent } from '@gantry/shared/audit.ts'
import { AppError, toFailure } from '@gantry/shared/errors.ts'
import { writeFileWhole } from '@gantry/shared/node/json-file.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { z } from 'zod'
import type { RosterStore } from './roster.ts'
import type { StateFile } from './state-file.ts'

export type DataFile = Extract<Delivery, { kind: 'data-file' }>

/** Version of each data file that is stored; it never steps back. */
export const DataFileVersions = z.record(z.string(), z.number().int())

/** Larger than any roster of 10,000 people, and no more than a device's disk can spare at any time. bytes */
const maxBytes = 1_500_000

export type DataFilesWith = {
  stateDir: string
  versions: StateFile<z.infer<typeof DataFileVersions>>
  roster: RosterStore
  audit: (event: NewDeviceEvent) => unknown
}

/** Stores one delivered data file, or refuses it: both are audited, and both mean that the delivery is handled. Throws only what a repetition may heal. */
export function createDataFiles({ stateDir, versions, roster, audit }: DataFilesWith): { store(file: DataFile): Promise<void> } {
  const folder = join(stateDir, 'data')
  mkdirSync(folder, { recursive: true, mode: 0o700 })

  const storeRoster = async (content: string) => {
    const accepted = await roster.accept(content)
    if (accepted) audit({ kind: 'roster.accepted', actor: { kind: 'authority' }, data: { number: accepted.number, expiresAt: accepted.expiresAt } })
  }
  const storeFile = ({ name, version, sha256: digest, content }: DataFile) => {
    const known = versions.value[name]
    if (known !== undefined && version < known) throw new AppError('contract.bad-input', { details: { field: 'version', known } })
    if (version === known) return
    writeFileWhole(join(folder, name), content)
    versions.save({ ...versions.value, [name]: version })
    audit({ kind: 'data-file.stored', actor: { kind: 'main-server' }, data: { name, version, bytes: Buffer.byteLength(content), sha256: digest } })
  }
  return {
    async store(file) {
      try {
        requireWhole(file)
        if (file.name === 'roster') await storeRoster(file.content)
        else storeFile(file)
      } catch (error) {
        if (!(error instanceof AppError) || error.code === 'audit.unavailable') throw error
        const kind = file.name === 'roster' ? 'roster.refused' : 'data-file.refused'
        audit({ kind, actor: { kind: 'agent' }, data: { ...error.details, name: file.name, version: file.version, code: toFailure(error).code } })
      }
    },
  }
}

function requireWhole({ content, sha256: digest }: DataFile): void {
  const bytes = Buffer.from(content)
  if (bytes.length > maxBytes) throw new AppError('contract.too-large', { details: { maxBytes } })
  if (sha256(bytes) !== digest) throw new AppError('file.digest-differs')
}
