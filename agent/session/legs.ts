import { AppError } from '@gantry/shared/errors.ts'
import { maxJoinedConnections } from '@gantry/shared/session-api.ts'
import type { LegName } from '@gantry/shared/ticket.ts'

/** Which legs a session has beside the first, and which names are free. */
export type Legs = {
  /** The next free name; `session.too-many-connections {max}` when all are taken. `run` has it until it is through. */
  add(kind: 'control' | 'files', run: (leg: LegName) => Promise<void>): LegName
}

/** Files legs are opened again after every break, so their names are not used twice; a session of eight hours may break often. */
const maxFilesLegs = 9_999
const maxOpenFilesLegs = 8

/** `track` keeps what runs on a leg until it is through. */
export function createLegs(track: (task: Promise<unknown>) => void): Legs {
  const open = new Set<LegName>()
  let filesLegs = 0
  let lastControl = 1

  const nameFor = (kind: 'control' | 'files'): LegName => {
    const count = [...open].filter((leg) => leg.startsWith(kind)).length
    const max = kind === 'control' ? maxJoinedConnections : maxOpenFilesLegs
    if (count >= max || filesLegs >= maxFilesLegs) throw new AppError('session.too-many-connections', { details: { max } })
    if (kind === 'files') {
      filesLegs += 1
      return `files-${filesLegs}` as LegName
    }
    // In turn, so that the access server has long let go of a name when it comes again.
    for (let tries = 0; tries <= maxJoinedConnections; tries += 1) {
      lastControl = lastControl < maxJoinedConnections + 1 ? lastControl + 1 : 2
      const leg = `control-${lastControl}` as LegName
      if (!open.has(leg)) return leg
    }
    throw new AppError('session.too-many-connections', { details: { max } })
  }
  return {
    add(kind, run) {
      const leg = nameFor(kind)
      open.add(leg)
      track(run(leg).finally(() => open.delete(leg)))
      return leg
    },
  }
}
