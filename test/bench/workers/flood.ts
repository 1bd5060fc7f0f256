import type { Session } from '../../../main/services/services.ts'
import { residentBytes } from '../cpu.ts'

export type Flooded = { seconds: number; growthBytes: number; times: number[] }

const line = 'The quick brown fox jumps over the lazy dog, and the log goes on and on and on.\n'
const key = '~'
const keyEveryMs = 50
const lookEveryMs = 20

/** A terminal that prints `bytes` octets as fast as it is let, and keys in the same terminal meanwhile. Throws unless every octet came. */
export async function flood(session: Session, bytes: number): Promise<Flooded> {
  const terminal = await session.openTerminal({ columns: 80, rows: 24 })
  const over = Promise.withResolvers<number>()
  const begun = Promise.withResolvers<void>()
  let received = 0
  let echoed = 0
  let pressedMs: number | null = null
  let keys = 0
  let tail = ''
  const times: number[] = []
  terminal.onData((data) => {
    const atMs = performance.now()
    terminal.drawn(data.length)
    // Cut after they are joined: an end and a beginning that were no neighbours can spell the word that is waited for.
    tail = (tail.slice(-32) + data).slice(-4_096)
    if (tail.includes('ready.')) begun.resolve()
    received += data.length
    if (pressedMs !== null && data.includes(key)) {
      times.push(atMs - pressedMs)
      echoed += 1
      pressedMs = null
    }
    if (tail.includes('over.')) over.resolve(atMs)
  })
  // The terminal's own echo, without line editing, and lines as they are: what comes can be counted.
  terminal.write(`stty -opost -icanon echo; echo "rea""dy."; read -r go; yes '${line.trim()}' | head -c ${bytes}; echo "ov""er."\r`)
  await begun.promise
  received = 0
  tail = ''
  const before = residentBytes(process.pid)
  let most = before
  const looking = setInterval(() => {
    most = Math.max(most, residentBytes(process.pid))
  }, lookEveryMs)
  const start = performance.now()
  terminal.write('\n')
  const typing = setInterval(() => {
    if (pressedMs !== null) return
    keys += 1
    pressedMs = performance.now()
    terminal.write(key)
  }, keyEveryMs)
  const end = await over.promise
  clearInterval(typing)
  clearInterval(looking)
  terminal.close()
  const missing = bytes - (received - echoed)
  // The prompt and what else the shell says is a few octets more; one less is a loss.
  if (missing > 0 || missing < -1_000) throw new Error(`of a flood of ${bytes} octets ${missing} are missing`)
  if (keys - echoed > 1 || echoed === 0) throw new Error(`${keys} keys, ${echoed} echoes`)
  return { seconds: (end - start) / 1_000, growthBytes: most - before, times }
}
