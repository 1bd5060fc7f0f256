import { readFileSync } from 'node:fs'
import { Region } from '@gantry/shared/access-api.ts'
import { AppError } from '@gantry/shared/errors.ts'
import { fileMark } from '@gantry/shared/node/file-mark.ts'
import { AccessServerRef, PublicJwk } from '@gantry/shared/ticket.ts'
import type { Logger } from 'pino'
import { z } from 'zod'

/** One access server as the operator vouches for it: its facts are the published table of end points (R027), and its key says who may speak for it. */
const fields = {
  region: Region,
  /** Its share of new sessions, against the others'. 0: no new ones. */
  weight: z.number().min(0).max(1_000).default(1),
}
const Pinned = AccessServerRef.extend({ ...fields, key: PublicJwk })
/** In the config itself, for tests: it sends no beats and counts as up. */
export const FixedServer = AccessServerRef.extend({ ...fields, region: Region.default('anywhere'), key: z.null().default(null) })
export type ListedServer = z.infer<typeof Pinned> | z.infer<typeof FixedServer>

export const ListFile = z.strictObject({
  version: z.literal(1),
  accessServers: z
    .array(Pinned)
    .min(1)
    .max(64)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two of one name'),
})

export type ServerList = { current(): readonly ListedServer[]; close(): void }
export type ServerListOptions = { path: string; log: Logger; onChange: (list: readonly ListedServer[]) => void }

const lookEveryMs = 1_000

/**
 * The operator's list (`fleetFile`), read again when it changes: a server that is new, gone, or has another weight counts so from the next ticket on. A list that does not fit stops the start
 * with `state.unreadable {what, field}`; later it is left alone, with a log entry, and the one before stays.
 */
export function openServerList({ path, log, onChange }: ServerListOptions): ServerList {
  let list = readList(path)
  let seen = fileMark(path)
  const look = () => {
    const mark = fileMark(path)
    if (mark === seen) return
    seen = mark
    try {
      list = readList(path)
      onChange(list)
    } catch (error) {
      log.warn({ err: error }, 'list of access servers not taken over')
    }
  }
  const timer = setInterval(look, lookEveryMs).unref()
  return { current: () => list, close: () => clearInterval(timer) }
}

function readList(path: string): ListedServer[] {
  let field = ''
  try {
    const parsed = ListFile.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    if (parsed.success) return parsed.data.accessServers
    field = parsed.error.issues[0]?.path.join('.') ?? ''
    throw parsed.error
  } catch (error) {
    throw new AppError('state.unreadable', { cause: error, details: { what: 'list of access servers', field } })
  }
}
