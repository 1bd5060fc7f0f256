import { chownSync, copyFileSync, cpSync, existsSync, mkdirSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SandboxDevice } from './hospital.ts'
import { deviceUserId, makeFolder, othersCanEnter, outsideFolder, type Paths } from './state-folder.ts'

/**
 * Where a device's own things lie. The session's shell runs as an account of no rights when the sandbox is root's, and that account must come to its files,
 * to the service menu and to the program that runs it, wherever the state folder and this repository were put (a `mktemp -d` lets nobody pass).
 */
export type DevicePlace = {
  filesRoot: string
  service: string
  /** Null where the sandbox does not run as root: then the shell cannot be anybody else. */
  user: { uid: number; gid: number; name: string; home: string } | null
  menu: string[]
}

const deviceProgram = join(import.meta.dirname, 'device')
const separates = () => process.getuid?.() === 0

export function placeDevice(paths: Paths, device: SandboxDevice): DevicePlace {
  const inside = paths.device(device.number)
  if (!separates()) return place(inside, device, { user: false, program: deviceProgram, node: process.execPath })
  const base = othersCanEnter(inside) ? inside : join(makeOutside(paths), String(device.number))
  makeFolder(base, 0o711)
  return place(base, device, { user: true, ...reachableProgram() })
}

function place(base: string, device: SandboxDevice, { user, program, node }: { user: boolean; program: string; node: string }): DevicePlace {
  const filesRoot = join(base, 'files')
  const service = join(base, 'service')
  const isNew = !existsSync(filesRoot)
  makeFolder(filesRoot, 0o700)
  makeFolder(service, 0o700)
  if (isNew) seedFiles(filesRoot, device)
  if (user) {
    if (isNew) own(filesRoot, seedPaths(device))
    // Root's own, but the menu may read it: what is made in it gets the folder's group (setgid).
    chownSync(service, 0, deviceUserId)
    makeFolder(service, 0o2750)
  }
  const menu = [node, '--no-warnings', join(program, 'service-menu.ts'), '--state', service, '--model', device.model.name]
  return { filesRoot, service, user: user ? { uid: deviceUserId, gid: deviceUserId, name: 'service', home: filesRoot } : null, menu }
}

function makeOutside(paths: Paths): string {
  const outside = outsideFolder(paths)
  makeOwnFolder(outside)
  return outside
}

/** In a folder that everybody may write to: what is there already must be a folder of ours, not somebody's link. */
function makeOwnFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o711 })
  const entry = statSync(path, { throwIfNoEntry: false })
  if (!entry?.isDirectory() || entry.uid !== process.getuid?.()) throw new Error(`${path} belongs to somebody else`)
  makeFolder(path, 0o711)
}

/** Node and the menu where the device's user can read them: here, or as a copy that all sandboxes of this machine share. */
function reachableProgram(): { program: string; node: string } {
  if (othersCanEnter(deviceProgram) && othersCanEnter(dirname(realpathSync(process.execPath)))) return { program: deviceProgram, node: process.execPath }
  const { size, mtimeMs } = statSync(process.execPath)
  const folder = `/var/tmp/gantry-sandbox-program-${process.version}-${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}`
  makeOwnFolder(folder)
  const node = join(folder, 'node')
  if (!existsSync(node)) {
    copyFileSync(process.execPath, `${node}.${process.pid}`)
    renameSync(`${node}.${process.pid}`, node)
  }
  const program = join(folder, 'device')
  cpSync(deviceProgram, program, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  return { program, node }
}

type SeedFile = { path: string; content: string }

/** A small tree as such a device has it. Everything in it is made up; what stands for patient data is marked so. */
function seedTree({ name, serial, model }: SandboxDevice): SeedFile[] {
  const day = (index: number) => `2026-11-${String(10 + index).padStart(2, '0')}`
  const log = (index: number) =>
    Array.from(
      { length: 40 },
      (_, line) =>
        `${day(index)}T${String(line % 24).padStart(2, '0')}:1${line % 6}:00Z INFO SYNTHETIC heartbeat ${line + 1} of 40, pressure ${800 + line} kPa`,
    ).join('\n')
  return [
    { path: 'README.txt', content: `Service files of ${name} (${model.name}, ${serial}).\nAll data in this folder is SYNTHETIC.\n` },
    {
      path: 'config/device.ini',
      content: `[device]\nname=${name}\nserial=${serial}\nmodel=${model.id}\nsoftware=${model.softwareVersion}\n\n[network]\nmode=dhcp\n`,
    },
    {
      path: 'config/protocols.json',
      content: `${JSON.stringify(
        {
          note: 'SYNTHETIC',
          protocols: [
            { id: 'p1', name: 'abdomen portal', rateMlPerS: 3.5 },
            { id: 'p2', name: 'head angio', rateMlPerS: 4 },
          ],
        },
        null,
        2,
      )}\n`,
    },
    { path: 'calibration/pressure-a.csv', content: 'SYNTHETIC,kPa,volt\n0,0.000,0.500\n1,500.0,1.750\n2,1000.0,3.000\n' },
    { path: 'calibration/pressure-b.csv', content: 'SYNTHETIC,kPa,volt\n0,0.000,0.502\n1,500.0,1.748\n2,1000.0,2.997\n' },
    ...[0, 1, 2].map((index) => ({ path: `logs/${day(index)}.log`, content: `${log(index)}\n` })),
    { path: 'examinations/SYNTHETIC-000117.txt', content: 'SYNTHETIC patient TEST-ONE, record SYN-000117. Not a real person.\n' },
    { path: 'updates/readme.txt', content: 'Updates are put here by the service.\n' },
  ]
}

function seedFiles(root: string, device: SandboxDevice): void {
  for (const { path, content } of seedTree(device)) {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o750 })
    writeFileSync(join(root, path), content, { mode: 0o640 })
  }
}

/** The paths that were just seeded, each folder before what lies in it. */
function seedPaths(device: SandboxDevice): string[] {
  return [...new Set(seedTree(device).flatMap(({ path }) => (path.includes('/') ? [dirname(path), path] : [path])))]
}

function own(root: string, paths: string[]): void {
  for (const path of ['.', ...paths]) chownSync(join(root, path), deviceUserId, deviceUserId)
}
