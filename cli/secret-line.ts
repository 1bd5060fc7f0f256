import { toFailure } from '@gantry/shared/errors.ts'
import { createSecretReader } from '@gantry/shared/node/secret-line.ts'
import type { Io } from './console.ts'
import { usageError } from './exit-code.ts'

/** One line of stdin that nobody sees. Errors: `auth.cancelled` for Ctrl-C, `usage.bad` for a line that is too long or not there. */
export async function readSecretLine({ stdin, stderr }: Pick<Io, 'stdin' | 'stderr'>, prompt: string, missing: string): Promise<string> {
  const line = await createSecretReader({ stdin, stderr })(prompt).catch((error: unknown) => {
    if (toFailure(error).code === 'contract.too-large') return null
    throw error
  })
  if (line === null) throw usageError(missing, '--user')
  return line
}
