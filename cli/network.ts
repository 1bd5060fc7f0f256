import { fromFailure, toFailure } from '@gantry/shared/errors.ts'
import type { SessionView } from '@gantry/shared/ipc.ts'
import { errorWords } from '@gantry/shared/words/errors.ts'
import type { Console } from './console.ts'
import { plain } from './plain.ts'

/** Says on stderr when another access server carries a session, and when nothing does; a break that is over before it can be read is not told. */
export type NetworkLines = { show(session: SessionView): void; close(): void }

const tellAfterMs = 1_500

export function createNetworkLines({ io, say, words, language }: Console): NetworkLines {
  let server: string | null = null
  let isTold = false
  let waiting: NodeJS.Timeout | undefined
  // While a terminal is in raw mode a line feed alone would not go to the first column.
  const line = (text: string) => say(io.stdin.isTTY ? `\r\n${text}\r` : text)
  const tellBroken = ({ network }: SessionView) => {
    waiting = undefined
    isTold = true
    const why = network.failure ? plain(errorWords(toFailure(fromFailure(network.failure)), language).what) : ''
    line(words.network.interrupted(why))
  }
  return {
    show(session) {
      const { network, accessServer } = session
      if (network.state === 'interrupted') {
        if (!isTold) waiting ??= setTimeout(tellBroken, tellAfterMs, session)
        return
      }
      clearTimeout(waiting)
      waiting = undefined
      const moved = server !== null && server !== accessServer.name
      server = accessServer.name
      if (isTold || moved) line(words.network.carried(plain(accessServer.name), plain(accessServer.site)))
      isTold = false
    },
    close: () => clearTimeout(waiting),
  }
}
