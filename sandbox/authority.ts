import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { generateSigningKey, privatePem } from '@gantry/shared/node/signing.ts'
import { PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { SecretStore } from './control-socket.ts'
import type { Hospital } from './hospital.ts'
import type { Paths } from './state-folder.ts'

const run = promisify(execFile)
const Certified = z.object({ authorityKey: PublicJwk, certificate: z.string() })

export type Authority = { key: PublicJwk }

/**
 * Runs the offline authority once: it certifies two fresh keys of the sandbox's specialist and signs the next roster. The private halves are born here, go into
 * the secret store in memory and nowhere else; the authority sees public keys only, and what it signs is carried to the main server as files.
 */
export async function certifySpecialist(paths: Paths, specialist: Hospital['specialists'][number], secrets: SecretStore, program: string): Promise<Authority> {
  const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
  const certificates = join(paths.authorityIn, 'certificates')
  mkdirSync(certificates, { recursive: true, mode: 0o700 })
  const { id, username, name, employer, country } = specialist
  const request = join(paths.own, 'certificate-request.json')
  writeFileSync(
    request,
    JSON.stringify({ specialistId: id, username, name, employer, country, specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk }),
    { mode: 0o600 },
  )
  try {
    const argv = [program, 'certify', '--dir', paths.authority, '--request', request, '--out', paths.authorityIn]
    const { stdout } = await run(process.execPath, argv, { timeout: 30_000 })
    const { authorityKey, certificate } = Certified.parse(JSON.parse(stdout))
    secrets.set('specialist-key', privatePem(keys.specialist))
    secrets.set('support-key', privatePem(keys.support))
    secrets.set('certificate', certificate)
    return { key: authorityKey }
  } finally {
    rmSync(request, { force: true })
    chmodSync(certificates, 0o700)
  }
}
