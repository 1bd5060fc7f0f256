import { errorCodes, toFailure } from '../errors.ts'
import { errorsEn } from '../words/errors.en.ts'
import { errorsFr } from '../words/errors.fr.ts'

/** What went wrong and what to do about it, in one line on stderr, with its code; the exit code is the catalogue's. */
export function reportFailure(error: unknown, { french }: { french: boolean }): void {
  const { code, details } = toFailure(error)
  const { what, todo } = (french ? errorsFr : errorsEn)[code](details ?? {})
  process.stderr.write(`${code}: ${what} ${todo}\n`)
  process.exitCode = errorCodes[code].exit
}
