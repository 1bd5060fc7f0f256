import type { Stream } from './cases.ts'
import { type Cell, isEqual, type Screen } from './screen.ts'

export type Peer = 'tmux' | 'pyte'
export const peers: readonly Peer[] = ['tmux', 'pyte']
/** A peer that broke on the stream has no screen. */
export type Seen = { stream: Stream; own: Screen; tmux: Screen | null; pyte: Screen | null }
export type Count = {
  cells: number
  /** Of the cells that are not empty on both. */
  drawn: number
  equal: number
  equalDrawn: number
}
/** Who stands alone against the two others; `none`: three say three things. */
export type Alone = Record<'own' | Peer | 'none', number>

export function countEqual(seen: readonly Seen[], peer: Peer): Count {
  const count: Count = { cells: 0, drawn: 0, equal: 0, equalDrawn: 0 }
  for (const { own, [peer]: other } of seen) {
    if (!other) continue
    own.flat().forEach((cell, at) => {
      const width = own[0]?.length ?? 1
      const facing = other[Math.floor(at / width)]?.[at % width]
      const isDrawn = [cell, facing].some((one) => one?.text !== ' ' || one.look !== 'd')
      const same = isEqual(cell, facing)
      count.cells += 1
      count.drawn += Number(isDrawn)
      count.equal += Number(same)
      count.equalDrawn += Number(isDrawn && same)
    })
  }
  return count
}

/** Of the cells on which the three do not agree. */
export function countAlone(seen: readonly Seen[]): Alone {
  const alone: Alone = { own: 0, tmux: 0, pyte: 0, none: 0 }
  for (const { own, tmux, pyte } of seen) {
    if (!tmux || !pyte) continue
    for (const [row, cells] of own.entries()) {
      for (const [column, cell] of cells.entries()) {
        const who = standsAlone(cell, tmux[row]?.[column], pyte[row]?.[column])
        if (who) alone[who] += 1
      }
    }
  }
  return alone
}

/** Null where all three agree. */
function standsAlone(own: Cell, tmux: Cell | undefined, pyte: Cell | undefined): keyof Alone | null {
  const [asTmux, asPyte] = [isEqual(own, tmux), isEqual(own, pyte)]
  if (asTmux) return asPyte ? null : 'pyte'
  if (asPyte) return 'tmux'
  return isEqual(tmux, pyte) ? 'own' : 'none'
}
