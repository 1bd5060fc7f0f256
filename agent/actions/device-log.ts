import { open } from 'node:fs/promises'

/**
 * The tail of the device service's log, without anything that could be about a patient (R096). A line is shown only if all of it has a shape that is
 * known to be technical: a list of what is allowed, since nobody can list what a name looks like. The others are replaced, and counted.
 */
export type LogTail = { log: string[]; linesWithheld: number }

const maxTailBytes = 262_144
const maxLineCharacters = 500
export const withheldLine = '[withheld]'

/** `2026-11-20T10:00:00.000Z INFO …`, the level optional. */
const stamp = /^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,6})?(?:Z|[+-]\d{2}:?\d{2})?)\s+(?:(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\b:?\s*)?/

/**
 * What a technical message is made of: lower-case words of the list, and `key=value` with a key of the list and a value that is a number, a version,
 * a state or a duration. No capitalised word, no free number of five digits or more, no date: those are names, record numbers and birthdays.
 */
const words = new Set(
  `a ack after again aborted air answers at back battery boot bus by calibrated calibration cannot check checked cleared closed cold complete completed config configuration
  connected connection console controller cpu days degraded detector device disabled disk done down enabled encoder error exit failed failure fan fault file finished firmware for free from full
  head heartbeat heater high idle in init initialised initialized injector interface is kernel lamp left link loaded log low lost memory missing mode module motor network no
  normal not of off offset ok older on open opened over overheated panel passed pending piston power pressure process pump ready reason reboot recovered reload reloaded request reset restart
  restarted restarting retry rotated running self sensor seq service shutdown slowly software started starting state status stopped stopping storage strobe supply syringe system
  target task temperature than test time timeout to tube under unit up update updated uptime use valve version voltage volume waiting warm warning was watchdog with within without zero`.split(
    /\s+/,
  ),
)
const keys = new Set(
  `attempt attempts battery build bytes channel code component count cpu duration elapsed errno error exit fan firmware free freebytes level limit load mb memory mode module ms pct
  percent pid port pressure psi queue rate restarts retries rev rpm sensor seq signal size state status step temp temperature threads time total unit uptime version volts`.split(
    /\s+/,
  ),
)
const value = /^(?:-?\d{1,4}(?:\.\d{1,3})?(?:ms|s|m|h|%|c|v|kb|mb|gb|kpa|psi|rpm)?|v?\d{1,3}(?:\.\d{1,3}){1,3}|0x[0-9a-f]{1,8}|[a-z]{2,12})$/i
const number = /^-?\d{1,4}(?:\.\d{1,3})?(?:ms|s|m|h|%|c|v|kb|mb|gb|kpa|psi|rpm)?$/i

/** Units, one letter that names a part, and a fault code such as `E-214`. */
const symbol = /^(?:%|°?C|[kMG]i?B|B|ms|s|h|kPa|psi|rpm|V|A|B|[A-Z]-\d{1,4})$/

/** Pure. */
export function isTechnical(line: string): boolean {
  const head = stamp.exec(line)
  if (!head || line.length > maxLineCharacters) return false
  const parts = line
    .slice(head[0].length)
    .split(/[\s,;:()[\]"]+/)
    .filter((part) => part !== '' && part !== '-')
  return parts.every(isTechnicalPart)
}

function isTechnicalPart(part: string): boolean {
  const equals = part.indexOf('=')
  if (equals > 0) {
    const content = part.slice(equals + 1)
    return keys.has(part.slice(0, equals).toLowerCase()) && value.test(content) && (!/^[a-z]+$/i.test(content) || words.has(content.toLowerCase()))
  }
  const bare = part.replace(/\.+$/, '')
  return words.has(bare) || number.test(bare) || symbol.test(bare)
}

/** The last `lines` lines; an absent log is an empty one. */
export async function readLogTail(path: string, lines: number): Promise<LogTail> {
  const tail = lines > 0 ? await lastLines(path, lines) : []
  const log = tail.map((line) => (isTechnical(line) ? line : withheldLine))
  return { log, linesWithheld: log.filter((line) => line === withheldLine).length }
}

async function lastLines(path: string, count: number): Promise<string[]> {
  const file = await open(path, 'r').catch(() => null)
  if (!file) return []
  try {
    const { size } = await file.stat()
    const from = Math.max(0, size - maxTailBytes)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from)
    const all = buffer.subarray(0, bytesRead).toString('utf8').split('\n')
    // The first piece may be the rest of a line, the last is what stands behind the last line's end.
    return all.slice(from > 0 ? 1 : 0, -1).slice(-count)
  } finally {
    await file.close()
  }
}
