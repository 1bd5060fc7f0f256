import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { type Row, row } from '../proof.ts'
import { type Door, openLegDoor, openSftpDoor, type Told } from './doors.ts'
import { buildFence, type Fence } from './fence.ts'
import { hostileNames, octetsOf } from './names.ts'

/** Hostile names as a client asks for them, through both doors of the device. */
export async function deviceNameRows({ count, seed, say }: { count: number; seed: number; say: (line: string) => void }): Promise<Row[]> {
  const rows = [noticesNaive(count, seed)]
  for (const open of [openSftpDoor, openLegDoor]) {
    const fence = buildFence()
    const door = await open(fence.root)
    try {
      rows.push(...(await tryDoor(door, fence, hostileNames({ folder: fence.folder, count, seed }), say)))
    } finally {
      await door.close()
      fence.remove()
    }
  }
  return rows
}

async function tryDoor(door: Door, fence: Fence, names: string[], say: (line: string) => void): Promise<Row[]> {
  const outcomes = new Map<string, number>()
  const escapes: string[] = []
  let requests = 0
  const bait = join(fence.root, 'inside/bait')
  for (const name of names) {
    const operations: Record<string, () => Promise<Told>> = {
      list: () => door.list(name),
      get: () => door.get(name),
      put: () => door.put(name, Buffer.from('planted')),
      'rename to it': () => door.rename('/inside/bait', name),
      'rename from it': () => door.rename(name, '/inside/taken'),
    }
    for (const [operation, act] of Object.entries(operations)) {
      if (!existsSync(bait)) writeFileSync(bait, 'bait')
      const { code, octets } = await act()
      requests += 1
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      const breaches = fence.breaches()
      if (fence.tells(octets) || breaches.length > 0) escapes.push(`${operation} ${JSON.stringify(name.slice(0, 60))}: ${[code, ...breaches].join(' ')}`)
    }
  }
  const listed = await listHostile(door, fence, names)
  const refused = [...outcomes].filter(([code]) => code !== 'ok').toSorted(([, a], [, b]) => b - a)
  say(`${door.name}: ${requests} requests, ${escapes.length} escapes, ${listed.names} names listed`)
  return [
    row(
      `${door.name}: ${names.length} names, each listed, fetched, put, renamed to and from; what was read, written or told from outside of the root`,
      '0',
      [`${escapes.length} of ${requests}`, ...escapes].join('; '),
      escapes.length === 0 && names.length >= 500,
    ),
    row(
      `${door.name}: answers`,
      'done where the name stays inside, else a code',
      [`done ${outcomes.get('ok') ?? 0}`, ...refused.map(([code, times]) => `${code} ${times}`)].join(', '),
      (outcomes.get('ok') ?? 0) > 0 && (outcomes.get('file.outside-root') ?? 0) > 0 && !outcomes.has('internal'),
    ),
    row(
      `${door.name}: of the names, those that a disk holds, written there by others; told with a control or a bidirectional mark`,
      '0',
      `${listed.deceptive} of ${listed.names}`,
      listed.deceptive === 0 && listed.names >= 100,
    ),
  ]
}

/** Everything that the disk takes in one folder, put there without our help, then listed. */
async function listHostile(door: Door, fence: Fence, names: string[]) {
  await door.makeFolder('/listed')
  let written = 0
  for (const name of names) {
    const octets = octetsOf(name)
    if (octets.length === 0 || octets.length > 255 || octets.includes(0) || octets.includes('/') || ['.', '..'].includes(name)) continue
    writeFileSync(Buffer.concat([Buffer.from(join(fence.root, 'listed/')), octets]), '')
    written += 1
  }
  const told = await door.list('/listed')
  // SFTP tells each twice, the second time as `ls -l` would.
  if (told.names.length !== written && told.names.length !== 2 * written) throw new Error(`${told.names.length} names told of ${written}`)
  return { names: written, deceptive: told.names.filter((name) => /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}/]/u.test(name)).length }
}

/** The measure itself: somebody who joins the root and the name is caught at it. */
function noticesNaive(count: number, seed: number): Row {
  const fence = buildFence()
  try {
    // Even a fault that is made on purpose stays in this proof's own folder.
    const paths = hostileNames({ folder: fence.folder, count, seed })
      .map((name) => join(fence.root, name))
      .filter((path) => path.startsWith(fence.folder + sep))
    const read = paths.filter((path) => fence.tells(attempt(() => readFileSync(path)) ?? Buffer.alloc(0))).length
    const written = paths.filter((path) => {
      attempt(() => writeFileSync(path, 'planted'))
      return fence.breaches().length > 0
    }).length
    return row(
      'the same names, joined to the root by a server that does not look: noticed',
      '≥ 10 reads, ≥ 10 writes',
      `${read} reads, ${written} writes`,
      read >= 10 && written >= 10,
    )
  } finally {
    fence.remove()
  }
}

function attempt<T>(act: () => T): T | null {
  try {
    return act()
  } catch {
    return null
  }
}
