import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host } from './world.ts'

/** A wall clock for each host of the world, which can be set while its processes run (libfaketime). The monotonic clock is left alone, as setting a clock leaves it. */
export type Clocks = {
  /** The beginning of a command whose processes go by this host's clock. */
  by(host: Host): string[]
  /** Seconds ahead of the world's time. */
  set(host: Host, seconds: number): void
}

export function createClocks(dir: string): Clocks {
  const library = findLibrary()
  const file = (host: Host) => join(dir, `clock-${host}`)
  const set = (host: Host, seconds: number) => writeFileSync(file(host), `${seconds < 0 ? '' : '+'}${seconds}\n`)
  return {
    by(host) {
      set(host, 0)
      const settings = {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: file(host),
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        NO_FAKE_STAT: '1',
      }
      return ['env', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]
    },
    set,
  }
}

/** The one for programs with threads. */
function findLibrary(): string {
  const root = '/usr/lib'
  const found = readdirSync(root).map((folder) => join(root, folder, 'faketime'))
  for (const folder of found) {
    try {
      if (readdirSync(folder).includes('libfaketimeMT.so.1')) return join(folder, 'libfaketimeMT.so.1')
    } catch {
      // Not here.
    }
  }
  throw new Error('libfaketime is missing: node scripts/prerequisites.mjs prove')
}
