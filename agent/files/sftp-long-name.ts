import type { Stats } from 'node:fs'

/** The line that `sftp> ls -l` prints: version 3 leaves it to the server (draft-ietf-secsh-filexfer-02 section 7). */
export function longName(name: string, stat: Stats): string {
  const columns = [
    modeText(stat),
    String(stat.nlink).padStart(3),
    String(stat.uid).padEnd(8),
    String(stat.gid).padEnd(8),
    String(stat.size).padStart(8),
    dateText(stat.mtime),
  ]
  return `${columns.join(' ')} ${name}`
}

const kinds: [(stat: Stats) => boolean, string][] = [
  [(stat) => stat.isDirectory(), 'd'],
  [(stat) => stat.isSymbolicLink(), 'l'],
  [(stat) => stat.isFIFO(), 'p'],
  [(stat) => stat.isSocket(), 's'],
  [(stat) => stat.isBlockDevice(), 'b'],
  [(stat) => stat.isCharacterDevice(), 'c'],
]

function modeText(stat: Stats): string {
  const kind = kinds.find(([is]) => is(stat))?.[1] ?? '-'
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((stat.mode >> (8 - index)) & 1 ? letter : '-'))
  return kind + bits.join('')
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `Nov 20 23:39` as ls has it, or with the year when it is longer ago than half a year. UTC: the client knows no other zone of the device. */
function dateText(date: Date): string {
  const day = `${months[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`
  const isRecent = Math.abs(Date.now() - date.getTime()) < 182 * 86_400_000
  const pad = (value: number) => String(value).padStart(2, '0')
  return isRecent ? `${day} ${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}` : `${day}  ${date.getUTCFullYear()}`
}
