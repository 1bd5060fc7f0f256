import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The archive of a package whose program is the stand-in (`STAND_IN_PROGRAM`, set by that program); null for the stand-in itself. */
export function packagedApp(): string | null {
  const program = process.env.STAND_IN_PROGRAM
  if (program === undefined) return null
  const archive = join(dirname(program), 'resources/app.asar')
  return existsSync(archive) ? archive : null
}
