import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { shortFingerprint, signCertification } from '@gantry/shared/node/certification.ts'
import { writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { generateSigningKey, privatePem, thumbprint } from '@gantry/shared/node/signing.ts'
import { type CertificationPayload, PublicJwk } from '@gantry/shared/ticket.ts'
import { z } from 'zod'
import type { SecretStore } from './control-socket.ts'
import type { Credentials } from './credentials.ts'
import type { Hospital } from './hospital.ts'
import type { Paths } from './state-folder.ts'

const run = promisify(execFile)
const Certified = z.object({ authorityKey: PublicJwk, certificate: z.string() })

export type Authority = { key: PublicJwk }
type Tools = { paths: Paths; secrets: SecretStore; officers: Credentials['officers']; program: string }

/**
 * Runs the offline authority's own program, with two officers that this sandbox made up: it certifies two fresh keys of the sandbox's specialist and signs the
 * next roster. The private halves are born here, go into the secret store in memory and nowhere else; the authority sees public keys only, and what it signs is
 * carried to the main server as files.
 */
export async function certifySpecialist(specialist: Hospital['specialists'][number], { paths, secrets, officers, program }: Tools): Promise<Authority> {
  const keys = { specialist: generateSigningKey(), support: generateSigningKey() }
  mkdirSync(join(paths.authorityIn, 'certificates'), { recursive: true, mode: 0o700 })
  const names = Object.keys(officers).sort()
  const agree = names.flatMap((name) => ['--officer', name])
  const authority = async (...argv: string[]) => {
    const running = run(process.execPath, [program, ...argv, '--dir', paths.authority, ...agree], { timeout: 60_000, env: { ...process.env, LC_ALL: 'C' } })
    running.child.stdin?.end(`${names.map((name) => officers[name]).join('\n')}\n`)
    return (await running).stdout
  }
  const { id: specialistId, username, name, employer, country } = specialist
  const payload: CertificationPayload = {
    ...{ version: 1, specialistId, username, name, employer, country, issuedAt: Math.floor(Date.now() / 1000) },
    ...{ specialistKey: keys.specialist.publicJwk, supportKey: keys.support.publicJwk },
  }
  const request = join(paths.own, 'certificate-request.json')
  writeJsonFile(request, await signCertification(payload, keys))
  const fingerprint = shortFingerprint({ specialistKey: thumbprint(payload.specialistKey), supportKey: thumbprint(payload.supportKey) })
  const person = ['--request', request, '--username', username, '--fingerprint', fingerprint, '--out', paths.authorityIn]
  try {
    if (!existsSync(join(paths.authority, 'authority-key.json'))) {
      // One that a killed start left half made has signed nothing yet.
      rmSync(paths.authority, { recursive: true, force: true })
      await authority('init')
    }
    // From the second start on the person is known, and the fresh keys take the place of those that went with the last sandbox.
    const stdout = await authority('rotate', ...person).catch((error: { stderr?: string }) => {
      if (error.stderr?.startsWith('authority.person-unknown')) return authority('certify', ...person)
      throw error
    })
    const { authorityKey, certificate } = Certified.parse(JSON.parse(stdout))
    secrets.set('specialist-key', privatePem(keys.specialist))
    secrets.set('support-key', privatePem(keys.support))
    secrets.set('certificate', certificate)
    return { key: authorityKey }
  } finally {
    rmSync(request, { force: true })
  }
}
