import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, lstatSync, mkdirSync, openSync, readFileSync, readSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Row, row } from '../proof.ts'
import { type Door, openLegDoor, openSftpDoor, type Told } from './doors.ts'
import { buildFence, type Fence } from './fence.ts'

/** A folder and a file of the root are swapped for links that lead out, while each door is asked for what lies there. */
export async function raceRows({ count, say }: { count: number; say: (line: string) => void }): Promise<Row[]> {
  const rows = [await noticesNaive()]
  for (const open of [openSftpDoor, openLegDoor]) {
    const fence = buildFence()
    const swapper = await startSwapper(fence)
    const door = await open(fence.root)
    try {
      rows.push(...(await raceDoor(door, { fence, swapper, count, say })))
    } finally {
      await door.close()
      await swapper.stop()
      fence.remove()
    }
  }
  return rows
}

type Swapper = { swaps(): number; stop(): Promise<void> }

/** `folder` and `file` are what they seem at one moment, and links to the folder around the root and a file in it at the next. */
async function startSwapper({ folder, root }: Fence): Promise<Swapper> {
  const at = (name: string) => join(root, name)
  mkdirSync(at('folder'))
  for (const name of ['folder/secret', 'folder/bait', 'file']) writeFileSync(at(name), 'inside')
  symlinkSync('../kept', at('folder-out'))
  symlinkSync(join(folder, 'one/two/three/secret'), at('file-out'))
  const counter = at('swaps')
  writeFileSync(counter, Buffer.alloc(8))
  const script = join(import.meta.dirname, 'swap.py')
  const child = spawn('python3', [script, counter, at('folder'), at('folder-out'), at('file'), at('file-out')], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const fd = openSync(counter, 'r')
  const octets = Buffer.alloc(8)
  return {
    swaps() {
      readSync(fd, octets, 0, 8, 0)
      return Number(octets.readBigUInt64LE())
    },
    async stop() {
      if (child.exitCode !== null) throw new Error(`swapping ended with ${child.exitCode}`)
      child.kill('SIGKILL')
      await once(child, 'exit')
      closeSync(fd)
    },
  }
}

type Race = { fence: Fence; swapper: Swapper; count: number; say: (line: string) => void }
type Tally = { races: number; done: number; outside: number; other: Map<string, number> }
const lookEvery = 20
/** On a busy machine the swaps come seldom between a look and what follows it at once. */
const naiveRaces = 500_000

async function raceDoor(door: Door, { fence, swapper, count, say }: Race): Promise<Row[]> {
  const operations = operationsOf(door)
  const tallies = new Map<string, Tally>()
  const escapes: string[] = []
  const before = swapper.swaps()
  let met = 0
  let race = 0
  for (; met < count && race < 2 * count; race += 1) {
    const [operation, act] = operations[race % operations.length] as [string, () => Promise<Told>]
    const swaps = swapper.swaps()
    const { code, octets } = await act()
    const tally = tallies.get(operation) ?? { races: 0, done: 0, outside: 0, other: new Map() }
    tallies.set(operation, tally)
    tally.races += 1
    if (swapper.swaps() > swaps) met += 1
    if (code === 'ok') tally.done += 1
    else if (code === 'file.outside-root') tally.outside += 1
    else tally.other.set(code, (tally.other.get(code) ?? 0) + 1)
    if (fence.tells(octets)) escapes.push(`${operation} told something`)
    if (race % lookEvery === 0) escapes.push(...fence.breaches())
  }
  escapes.push(...fence.breaches())
  const swaps = swapper.swaps() - before
  say(`${door.name}: ${race} operations, ${met} met a swap, ${swaps} swaps, ${escapes.length} escapes`)
  return [
    row(
      `${door.name}: races, which are operations while a folder and a file are swapped for links out of the root, a swap or more during each`,
      `≥ ${count}`,
      `${met} (of ${race} operations; ${swaps} swaps)`,
      met >= count,
    ),
    row(
      `${door.name}: what was read, written or told from outside of the root meanwhile`,
      '0',
      [`${escapes.length}`, ...escapes.slice(0, 5)].join('; '),
      escapes.length === 0,
    ),
    ...[...tallies].map(([operation, { races, done, outside, other }]) =>
      row(
        `${door.name}: ${operation}`,
        'done and refused, by how the path was',
        `${races}: ${[`done ${done}`, `file.outside-root ${outside}`, ...[...other].map(([code, times]) => `${code} ${times}`)].join(', ')}`,
        done > 0 && outside > 0 && !other.has('internal'),
      ),
    ),
  ]
}

/** In an order in which each may find what it needs. */
function operationsOf(door: Door): [string, () => Promise<Told>][] {
  const octets = Buffer.from('planted')
  const { setMode } = door
  return [
    ['put into the folder', () => door.put('/folder/secret', octets)],
    ['get out of the folder', () => door.get('/folder/secret')],
    ['stat in the folder', () => door.stat('/folder/secret')],
    ['list of the folder', () => door.list('/folder')],
    ['rename in the folder', () => door.rename('/folder/bait', '/folder/moved')],
    ['rename back', () => door.rename('/folder/moved', '/folder/bait')],
    ['new folder in the folder', () => door.makeFolder('/folder/made')],
    ['removal of a folder', () => door.removeFolder('/folder/made')],
    ['get of the file', () => door.get('/file')],
    // The files leg never writes into a file that is there: it puts another one in its place, link or not, and the pair would be no pair any more.
    ...(setMode
      ? ([
          ['put over the file', () => door.put('/file', octets)],
          ['mode of the file', () => setMode('/file', 0o640)],
          ['mode in the folder', () => setMode('/folder/secret', 0o640)],
        ] as [string, () => Promise<Told>][])
      : []),
    ['removal in the folder', () => door.remove('/folder/secret')],
  ]
}

/** The measure itself: who looks where a path leads and then goes there by the path is caught at it. */
async function noticesNaive(): Promise<Row> {
  const fence = buildFence()
  const swapper = await startSwapper(fence)
  const caught = { read: 0, written: 0 }
  let race = 0
  const [folder, file] = [join(fence.root, 'folder'), join(fence.root, 'file')]
  const attempts = [
    () => isInside(fence, join(folder, 'secret')) && fence.tells(readFileSync(join(folder, 'secret'))),
    () => lstatSync(file).isFile() && fence.tells(readFileSync(file)),
    () => isInside(fence, folder) && writeFileSync(join(folder, 'planted'), 'planted'),
  ]
  try {
    for (; (caught.read < 10 || caught.written < 1) && race < naiveRaces; race += 1) {
      try {
        if (attempts[race % attempts.length]?.()) caught.read += 1
      } catch {
        // A link that went away meanwhile, or led to nothing.
      }
      if (race % lookEvery === 0 && fence.breaches().length > 0) caught.written += 1
    }
  } finally {
    await swapper.stop()
    fence.remove()
  }
  return row(
    `the same swaps under a server that looks where a path leads and then opens the path: noticed`,
    '≥ 10 reads, ≥ 1 write',
    `${caught.read} reads, ${caught.written} writes in ${race} tries`,
    caught.read >= 10 && caught.written >= 1,
  )
}

const isInside = ({ root }: Fence, path: string): boolean => realpathSync(path).startsWith(`${root}/`)
