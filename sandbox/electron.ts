import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLines } from '@gantry/shared/node/lines.ts'
import { z } from 'zod'

/**
 * Electron's runtime: a program of some 100 MB that the npm package fetches when it is first needed. Never found by `require('electron')`, which would fetch it
 * silently and throw where there is no way out.
 */
const Progress = z.object({ received: z.number(), total: z.number() })
export type Progress = z.infer<typeof Progress>
export type Fetched = { ok: true } | { ok: false; why: 'silent' | 'failed' }
export const silentMs = 20_000

const root = join(import.meta.dirname, '..')
const electronPackage = join(root, 'node_modules/electron')

/** The program, or null while it is not here. `ELECTRON_OVERRIDE_DIST_PATH` is Electron's own setting. */
export function findElectron(env: NodeJS.ProcessEnv = process.env, folder: string = electronPackage): string | null {
  const name = readName(folder)
  const program = env.ELECTRON_OVERRIDE_DIST_PATH ? join(env.ELECTRON_OVERRIDE_DIST_PATH, name ?? 'electron') : name ? join(folder, 'dist', name) : null
  return program && existsSync(program) ? program : null
}

function readName(folder: string): string | null {
  try {
    return readFileSync(join(folder, 'path.txt'), 'utf8').trim()
  } catch {
    return null
  }
}

export const fetchCommand: [string, ...string[]] = [
  process.execPath,
  '--import',
  join(import.meta.dirname, 'electron-fetch.ts'),
  join(electronPackage, 'install.js'),
]

/** Fetches it; gives up when no byte came for `silenceMs`, or at once when the way is closed. */
export async function fetchElectron(
  onProgress: (progress: Progress) => void,
  { command = fetchCommand, silenceMs = silentMs, signal }: { command?: [string, ...string[]]; silenceMs?: number; signal?: AbortSignal } = {},
): Promise<Fetched> {
  const [program, ...rest] = command
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ELECTRON_GET_NO_PROGRESS: '1' } })
  let silent = false
  const giveUp = () => {
    silent = true
    child.kill('SIGKILL')
  }
  let timer = setTimeout(giveUp, silenceMs)
  const stop = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  const { promise: ended, resolve } = Promise.withResolvers<number | null>()
  child.once('error', () => resolve(1))
  child.once('close', resolve)
  try {
    for await (const line of readLines(child.stdout, { maxBytes: 10_000 })) {
      const progress = Progress.safeParse(JSON.parse(line))
      if (!progress.success) continue
      clearTimeout(timer)
      // Whole: what is left is unpacking, which says nothing.
      timer = setTimeout(giveUp, progress.data.received === progress.data.total ? 10 * silenceMs : silenceMs)
      onProgress(progress.data)
    }
    return (await ended) === 0 ? { ok: true } : { ok: false, why: silent ? 'silent' : 'failed' }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    child.kill('SIGKILL')
  }
}
