import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import type { Config } from './config.ts'

export type PanelSocketWith = Pick<Config, 'socket' | 'group' | 'user'> & { onAgent: (agent: Socket) => void; signal: AbortSignal }

/**
 * Binds the panel's socket: folder 0750, socket 0660, both owned by the panel's user and the agent's group. Then, when started as root with a user in its
 * config, gives up root for good. Throws `state.in-use {folder}` when another panel answers there.
 */
export async function bindPanelSocket({ socket: path, group, user, onAgent, signal }: PanelSocketWith): Promise<void> {
  const folder = dirname(path)
  const root = process.getuid?.() === 0
  const [uid, gid] = [user ?? process.getuid?.() ?? 0, group ?? user ?? process.getgid?.() ?? 0]
  mkdirSync(folder, { recursive: true, mode: 0o750 })
  if (root) chownSync(folder, uid, gid)
  chmodSync(folder, 0o750)
  await removeStale(path)
  const server = createServer({ pauseOnConnect: false }, onAgent)
  await listen(server, path)
  if (root) chownSync(path, uid, gid)
  chmodSync(path, 0o660)
  signal.addEventListener('abort', () => server.close(), { once: true })
  if (root && user !== null) dropTo(uid, gid)
}

/** No moment in which others could connect: the mask applies before the mode is set. */
async function listen(server: Server, path: string): Promise<void> {
  const before = process.umask(0o117)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, () => resolve())
  try {
    await promise
  } finally {
    process.umask(before)
    server.off('error', reject)
  }
}

/** Supplementary groups first, user last: afterwards there is no right left to change any of them (setuid(2) as root sets all three ids). */
function dropTo(uid: number, gid: number): void {
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
}

/** A socket file stays behind when its process is killed. One that answers belongs to a living panel. */
async function removeStale(path: string): Promise<void> {
  let isSocket: boolean
  try {
    isSocket = lstatSync(path).isSocket()
  } catch {
    return
  }
  if (!isSocket) throw new AppError('state.unreadable', { details: { path } })
  if (await answers(path)) throw new AppError('state.in-use', { details: { folder: path } })
  rmSync(path)
}

function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect({ path })
  probe.once('connect', () => resolve(true))
  probe.once('error', () => resolve(false))
  return promise.finally(() => probe.destroy())
}
