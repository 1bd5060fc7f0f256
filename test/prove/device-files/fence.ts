import {
  type BigIntStats,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that somebody was given, deep in others that must stay as they are and be told to nobody. */
export type Fence = {
  folder: string
  /** The folder given; `inside/bait` lies in it, and links that lead out. */
  root: string
  /** Whether an answer holds anything of what lies around the root: its names and contents are marked, and so is the time of all of it. */
  tells(octets: Buffer): boolean
  /** What changed around the root since it was asked last. */
  breaches(): string[]
  remove(): void
}

/** Folders from the outermost to the root. */
const levels = ['.', 'one', 'one/two', 'one/two/three'] as const
/** When everything around the root was changed last, seconds since 1970: as SFTP writes it, and as the files leg does. */
const changedSeconds = 1_000_000_000
const changedTexts = [Buffer.from('3b9aca00', 'hex'), '1000000000000'] as const

export function buildFence(): Fence {
  const folder = mkdtempSync(join(tmpdir(), 'gantry-fence-'))
  const mark = folder.slice(-6).repeat(3)
  const root = join(folder, 'one/two/three/root')
  mkdirSync(join(root, 'inside'), { recursive: true })
  writeFileSync(join(root, 'inside/bait'), 'bait')
  for (const level of [...levels].reverse()) {
    const at = (name: string) => join(folder, level, name)
    mkdirSync(at('kept'))
    for (const path of ['secret', 'kept/secret', 'kept/bait']) writeFileSync(at(path), `${mark} ${level}`)
    writeFileSync(at(mark), '')
    writeFileSync(at(`kept/${mark}`), '')
    for (const path of ['secret', 'kept/secret', 'kept/bait', mark, `kept/${mark}`, 'kept', '.']) utimesSync(at(path), changedSeconds, changedSeconds)
  }
  const links = { 'out-folder': '..', 'out-file': '../secret', 'out-new': '../planted-by-link', far: join(folder, 'kept') }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name))
  let known = look(folder, root)
  return {
    ...{ folder, root },
    tells: (octets) => octets.includes(mark) || changedTexts.some((text) => octets.includes(text)),
    breaches() {
      const now = look(folder, root)
      const paths = new Set([...known.keys(), ...now.keys()])
      const differing = [...paths].filter((path) => known.get(path) !== now.get(path))
      known = now
      return differing
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Everything but the root: kind, mode, times and content. When it was read last is left out: what was read is looked for in the answers. */
function look(folder: string, root: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const { path, stat } of walk(folder, root)) {
    const content = stat.isFile() ? readFileSync(path, 'latin1') : stat.isSymbolicLink() ? readlinkSync(path) : ''
    found.set(path, [stat.mode, stat.ino, stat.mtimeNs, content].join(' '))
  }
  return found
}

/** Everything from `path` down, but for what lies at or below `without`. Node's own recursive listing goes through links, in circles. */
export function* walk(path: string, without?: string): Generator<{ path: string; stat: BigIntStats }, void, void> {
  if (path === without) return
  const stat = lstatSync(path, { bigint: true })
  yield { path, stat }
  if (stat.isDirectory()) for (const name of readdirSync(path)) yield* walk(join(path, name), without)
}
