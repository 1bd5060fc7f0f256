import { createHash } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '@gantry/shared/errors.ts'
import { readJsonFile } from '@gantry/shared/node/json-file.ts'
import { SandboxFile } from '@gantry/shared/sandbox-api.ts'

/** The account that a session's shell runs as on a sandbox that is started by root: `nobody`'s number, which owns nothing else. */
export const deviceUserId = 65_534

/** Where everything of one sandbox lies. Only `audit.jsonl` files have "audit" in their names. */
export type Paths = ReturnType<typeof pathsOf>

export function pathsOf(folder: string) {
  const dir = resolve(folder)
  const own = join(dir, 'sandbox')
  return {
    dir,
    file: join(dir, 'sandbox.json'),
    ca: join(dir, 'ca.pem'),
    lock: join(dir, 'lock'),
    own,
    credentials: join(own, 'credentials.json'),
    caKey: join(own, 'ca-key.pem'),
    configs: join(own, 'configs'),
    logs: join(own, 'logs'),
    authority: join(dir, 'authority'),
    mainServer: join(dir, 'main-server'),
    authorityIn: join(dir, 'main-server', 'authority-in'),
    accessServer: (number: number) => join(dir, `access-server-${number}`),
    device: (number: number) => join(dir, 'devices', String(number)),
    client: join(dir, 'client'),
    customer: join(dir, 'customer'),
  }
}

/** Makes the folders: secrets under 0700, and 0711 on the way to what the device's user may enter. */
export function makeFolders(paths: Paths, devices: number[]): void {
  makeFolder(paths.dir, 0o711)
  makeFolder(join(paths.dir, 'devices'), 0o711)
  for (const folder of [
    paths.own,
    paths.configs,
    paths.logs,
    paths.authority,
    paths.mainServer,
    paths.accessServer(1),
    paths.accessServer(2),
    paths.client,
    paths.customer,
  ]) {
    makeFolder(folder, 0o700)
  }
  for (const number of devices) {
    makeFolder(paths.device(number), 0o711)
    makeFolder(join(paths.device(number), 'agent'), 0o700)
  }
}

export function makeFolder(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode })
  chmodSync(path, mode)
}

/**
 * One sandbox per state folder. The lock is SQLite's own exclusive lock, which the system gives back when the process dies, however it dies: none is ever stale.
 * Throws `state.in-use {folder, pid}`. The returned function gives it back.
 */
export function lockFolder(paths: Paths): () => void {
  makeFolder(paths.dir, 0o711)
  const database = new DatabaseSync(paths.lock)
  try {
    chmodSync(paths.lock, 0o600)
    database.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new AppError('state.in-use', { cause: error, details: { folder: paths.dir, ...holderOf(paths) } })
  }
  return () => database.close()
}

/** While it starts or stops nobody knows who it is. */
function holderOf(paths: Paths): { pid?: number } {
  try {
    return { pid: readJsonFile(paths.file, SandboxFile).pid }
  } catch {
    return {}
  }
}

/** `--reset`: deletes what a sandbox made, and only if the folder looks like one, so that a mistyped `--state` costs nothing. Under the lock. */
export function resetFolder(paths: Paths, outside: string): void {
  const made = ['sandbox.json', 'ca.pem', 'sandbox', 'authority', 'customer', 'main-server', 'access-server-1', 'access-server-2', 'devices', 'client']
  for (const name of readdirSync(paths.dir)) {
    if (made.includes(name)) rmSync(join(paths.dir, name), { recursive: true, force: true })
  }
  rmSync(outside, { recursive: true, force: true })
}

/** Beside the state folder's own name, for what the device's user must reach when the state folder lies where it may not go. */
export function outsideFolder(paths: Paths): string {
  const hash = createHash('sha256').update(paths.dir).digest('hex').slice(0, 12)
  return `/var/tmp/gantry-sandbox-${hash}`
}

/** True when a process of no special rights can come to `path`: every folder above lets others pass. */
export function othersCanEnter(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && !othersMayPass(folder)) return false
    if (folder === dirname(folder)) return true
  }
}

function othersMayPass(path: string): boolean {
  const { mode } = statSync(path)
  return (mode & 0o001) !== 0
}

/** A short folder for sockets, mode 0700: a Unix socket's path holds 107 bytes, whatever the state folder is called. */
export function makeRuntimeFolder(): string {
  const preferred = process.env.XDG_RUNTIME_DIR
  const base = preferred && preferred.length < 50 && isOwnFolder(preferred) ? preferred : existsSync('/tmp') ? '/tmp' : tmpdir()
  return mkdtempSync(join(base, 'gantry-'))
}

function isOwnFolder(path: string): boolean {
  const entry = existsSync(path) ? lstatSync(path) : null
  return entry?.isDirectory() === true && entry.uid === process.getuid?.()
}
