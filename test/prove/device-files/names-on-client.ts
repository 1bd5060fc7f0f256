import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, sep, win32 } from 'node:path'
import type { DeviceFiles } from '../../../agent/files/device-files.ts'
import { createFiles } from '../../../main/services/sessions/files.ts'
import { safeLocalName } from '../../../main/services/transfers/safe-name.ts'
import { createTransfers } from '../../../main/services/transfers/transfers.ts'
import { newId, type RequestId } from '../../../shared/ids.ts'
import type { SessionView, Transfer } from '../../../shared/ipc.ts'
import { openTestDeviceFiles } from '../../support/device-files.ts'
import { type Row, row } from '../proof.ts'
import { buildFence, type Fence, walk } from './fence.ts'
import { hostileNames } from './names.ts'

/** Hostile names as a device tells them to the client, whose own transfers fetch everything that is listed. */
export async function clientNameRows({ count, seed, say }: { count: number; seed: number; say: (line: string) => void }): Promise<Row[]> {
  const fence = buildFence()
  try {
    const names = hostileNames({ folder: fence.folder, count, seed })
    layTraps(fence, names)
    const { moved, opened } = await fetchAll(fence, names)
    const [done, all] = [moved.reduce((sum, one) => sum + one.filesDone, 0), moved.reduce((sum, one) => sum + one.files, 0)]
    const written = listings.flatMap((listing) => [...walk(join(fence.root, listing))])
    const breaches = fence.breaches()
    const deceptive = written.filter(({ path }) => /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\\]/u.test(path)).map(({ path }) => JSON.stringify(path))
    const filesThere = written.filter(({ stat }) => stat.isFile()).length
    say(`${all} files, ${done} written, ${breaches.length} outside`)
    return [
      row(
        `a device lists ${names.length} hostile names, each as a file and as a folder with a file in it; files written or changed outside of the chosen folder`,
        '0',
        [String(breaches.length), ...breaches].join('; '),
        breaches.length === 0 && names.length >= 500,
      ),
      row(
        'what the client did with them',
        'fetches what it can name',
        `${done} of ${all} files written, the others refused; ${opened.size} paths opened on the device`,
        done >= 500 && done < all && filesThere === done && moved.every(({ state }) => state === 'failed'),
      ),
      row(
        'names written with a control, a bidirectional mark or a backslash',
        '0',
        [`${deceptive.length} of ${written.length}`, ...deceptive].join('; '),
        deceptive.length === 0,
      ),
      windowsRow(names),
      naiveRow(names, fence),
    ]
  } finally {
    fence.remove()
  }
}

/** One of names that are files, and one of names that are folders with a file in each. */
const listings = ['files', 'folders'] as const

/** In the chosen folder lie links that lead out, under names that the device lists. */
function layTraps({ folder, root }: Fence, names: string[]): void {
  const links = { 'out-folder': '../..', 'out-file': '../../secret', 'out-new': '../../planted-here', far: join(folder, 'kept') }
  for (const listing of listings) {
    mkdirSync(join(root, listing))
    for (const [name, target] of Object.entries(links)) {
      if (!names.includes(name)) throw new Error(`no hostile name "${name}"`)
      symlinkSync(target, join(root, listing, name))
    }
  }
}

/** Its lists are the names; whatever is opened is a file of three octets. */
function disguised(names: string[], opened: Set<string>): (files: DeviceFiles) => DeviceFiles {
  return (real) => ({
    ...real,
    async *list(path) {
      const stat = await real.stat('/content', 'keep')
      const kind = path === '/folders' ? 'folder' : 'file'
      for (const name of listings.some((listing) => path === `/${listing}`) ? names : ['secret'])
        yield { name, kind, size: 3, modifiedMs: 0, mode: 0o644, stat }
    },
    stat: () => real.stat('/', 'keep'),
    open(path, mode) {
      opened.add(path)
      return real.open('/content', mode)
    },
    space: () => real.space('/'),
    received: async () => undefined,
  })
}

async function fetchAll({ root }: Fence, names: string[]): Promise<{ moved: Transfer[]; opened: Set<string> }> {
  const opened = new Set<string>()
  const device = await openTestDeviceFiles({}, { disguise: disguised(names, opened) })
  writeFileSync(join(device.root, 'content'), 'bad')
  const files = createFiles(device.join)
  const requestId = newId<RequestId>('req')
  const session = { requestId, files, ended: new Promise<never>(() => undefined), view: () => ({ state: 'open' }) as SessionView }
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const transfers = createTransfers({ session: () => session, onChange: () => undefined, now: Date.now, log })
  try {
    const from = listings.map((listing) => `/${listing}`)
    const { transferIds } = await transfers.start({ requestId, direction: 'get', from, to: root, replace: true })
    return { moved: await Promise.all(transferIds.map((id) => transfers.finished(id))), opened }
  } finally {
    transfers.close()
    files.close()
    await device.close()
  }
}

/** This computer is none, so here the names alone are looked at, by Node's own rules for its paths. */
function windowsRow(names: string[]): Row {
  const chosen = 'C:\\chosen'
  const safe = names.flatMap((name) => {
    try {
      return [safeLocalName(name, 'win32')]
    } catch {
      return []
    }
  })
  const reserved = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?$/i
  const bad = safe.filter(
    (name) => win32.dirname(win32.resolve(chosen, name)) !== chosen || win32.basename(name) !== name || reserved.test(name) || /[:*?"<>|]|[. ]$/.test(name),
  )
  const found = [`${bad.length} of ${safe.length}, ${names.length - safe.length} refused`, ...bad.map((name) => JSON.stringify(name))]
  return row(
    'the same names by the rules of Windows: that lead elsewhere, or mean a device or a stream',
    '0',
    found.join('; '),
    bad.length === 0 && safe.length >= 100,
  )
}

/** The measure itself: a client that joins the chosen folder and the name is caught at it. */
function naiveRow(names: string[], fence: Fence): Row {
  let caught = 0
  for (const name of names) {
    const path = join(fence.root, 'files', name)
    if (!path.startsWith(fence.folder + sep)) continue
    try {
      writeFileSync(path, 'bad')
    } catch {
      // Not a name that a disk takes.
    }
    if (fence.breaches().length > 0) caught += 1
  }
  return row('the same names, joined to the folder by a client that does not look: noticed', '≥ 10', String(caught), caught >= 10)
}
