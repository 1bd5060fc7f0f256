import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listeners, processes, socketsOf } from '../e2e/support/processes.ts'
import type { Belongings } from './hostile/other-user-api.ts'

/** What a running system of ours has on this machine, seen with root's eyes: its processes by their folders, and what each of them holds. */
export function belongingsOf(folders: readonly string[], buses: string[]): Belongings {
  const pids = processes()
    .map(({ pid }) => pid)
    .filter((pid) => pid !== process.pid && names(pid, folders))
  const held = pids.flatMap(socketsOf)
  const unix = listeners(held).filter(({ kind }) => kind === 'unix')
  const paths = [...new Set([...folders.flatMap(below), ...pids.flatMap(openFilesOf)])]
  const kindOf = (path: string) => statSync(path, { throwIfNoEntry: false })
  return {
    files: paths.filter((path) => kindOf(path)?.isFile()),
    folders: paths.filter((path) => kindOf(path)?.isDirectory()),
    sockets: [...new Set([...unix.map(({ local }) => local).filter((local) => local.startsWith('/')), ...paths.filter((path) => kindOf(path)?.isSocket())])],
    abstract: unix.flatMap(({ local }) => (local.startsWith('@') ? [local.slice(1)] : [])),
    ports: [...new Set(listeners(held).flatMap(({ kind, local }) => (kind.startsWith('tcp') ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [])))],
    ...{ pids, buses },
  }
}

/** By command line, environment, folder it works in or a descriptor that it holds: the keyring's daemon and OpenSSH's helper name it in one of these alone. */
function names(pid: number, folders: readonly string[]): boolean {
  const text = ['cmdline', 'environ'].map((name) => tryRead(() => readFileSync(`/proc/${pid}/${name}`, 'latin1')) ?? '').join('\0')
  const links = [tryRead(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '', ...openFilesOf(pid)]
  return folders.some((folder) => text.includes(folder) || links.some((link) => link.startsWith(folder)))
}

/** Of a folder's own and what temporary file a process holds open. What is installed on the machine is nobody's belonging. */
function openFilesOf(pid: number): string[] {
  const fds = tryRead(() => readdirSync(`/proc/${pid}/fd`)) ?? []
  const targets = fds.map((fd) => tryRead(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '')
  return targets.filter((path) => ['/tmp/', '/run/', '/dev/shm/', '/var/'].some((start) => path.startsWith(start)) && !path.endsWith(' (deleted)'))
}

function below(folder: string): string[] {
  const entries = tryRead(() => readdirSync(folder, { recursive: true, withFileTypes: true })) ?? []
  return [folder, ...entries.map((entry) => join(entry.parentPath, entry.name))]
}

export function ownerOf(pid: number): number {
  return tryRead(() => statSync(`/proc/${pid}`).uid) ?? -1
}

function tryRead<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
