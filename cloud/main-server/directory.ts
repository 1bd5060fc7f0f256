import { readFileSync } from 'node:fs'
import type { NewAuditEvent } from '@gantry/shared/audit.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { fileMark } from '@gantry/shared/node/file-mark.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import type { Logger } from 'pino'
import type { Database } from './database.ts'
import { Seed } from './seed.ts'
import { type Taken, takeOver, takeOverPasswords } from './seeding.ts'

export type DirectoryTools = {
  db: Database
  path: string
  sandbox: boolean
  /** Throws `audit.unavailable`, and then nothing of the file is taken over. */
  append: (event: NewAuditEvent) => void
  log: Logger
  /** After the change is in the database: what people and sessions may no longer do ends here. */
  onTaken: (taken: Taken) => Promise<void>
  now: () => number
}
export type Directory = {
  /** To be called each second: takes over a file that has changed. One that does not fit is left alone, with a log entry and an audit event, once. */
  look(): Promise<void>
}

/**
 * The operator's directory file (`seedFile`): who and what there is. Taken over now, which fails the start where it does not fit (`state.unreadable {what,
 * field}`), and from then on whenever it changes.
 */
export async function openDirectory(tools: DirectoryTools): Promise<Directory> {
  const { db, path, append, log } = tools
  let seen = fileMark(path)
  const take = async () => {
    const read = readDirectory(path, tools.sandbox)
    const taken = await takeOver(db, read, { append, now: tools.now })
    if (!taken) return
    await tools.onTaken(taken)
    // Last, since it takes some 30 ms a person: who is shut out waits for nobody's password.
    await takeOverPasswords(db, read)
  }
  await take()
  return {
    async look() {
      const mark = fileMark(path)
      if (mark === seen) return
      try {
        await take()
        seen = mark
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'state.unreadable') throw error
        seen = mark
        log.warn({ err: error, ...error.details }, 'directory not taken over')
        append({ kind: 'directory.refused', actor: { kind: 'main-server' }, data: { ...error.details } })
      }
    },
  }
}

export type ReadDirectory = { seed: Seed; hash: string }

function readDirectory(path: string, sandbox: boolean): ReadDirectory {
  let field = ''
  try {
    const text = readFileSync(path, 'utf8')
    const parsed = Seed.safeParse(JSON.parse(text))
    field = parsed.error?.issues[0]?.path.join('.') ?? ''
    if (!parsed.success) throw parsed.error
    // Its passwords and TOTP secrets are known, so outside a sandbox it counts as broken.
    if (parsed.data.sandbox !== sandbox) field = 'sandbox'
    else return { seed: parsed.data, hash: sha256(text) }
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'seed', field } })
  }
  throw new AppError('state.unreadable', { details: { what: 'seed', field } })
}
