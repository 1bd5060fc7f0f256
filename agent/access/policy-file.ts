import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import { sha256 } from '@gantry/shared/node/signing.ts'
import { closedPolicy, defaultPolicy, Policy } from './policy.ts'

export type LoadedPolicy = { policy: Policy; from: 'file' | 'defaults' | 'unreadable'; digest: string }

export type PolicyFileOptions = {
  /** The customer's file. */
  path: string
  /** Where the last readable policy is remembered: it answers whether connectivity was off, should the file become unreadable. */
  stateDir: string
  signal: AbortSignal
  onChange: (loaded: LoadedPolicy) => void
  /** How often the file is looked at, ms. */
  lookEveryMs?: number
}

/**
 * Reads the policy now and again whenever the file changes. It is looked at once a second rather than watched: a rename onto the file, as editors
 * and configuration tools do, ends an inotify watch unseen.
 */
export function followPolicy({ path, stateDir, signal, onChange, lookEveryMs = 1_000 }: PolicyFileOptions): LoadedPolicy {
  let stamp = stampOf(path)
  const first = loadPolicy(path, stateDir)
  let digest = first.digest
  const timer = setInterval(() => {
    const next = stampOf(path)
    if (next === stamp) return
    stamp = next
    const loaded = loadPolicy(path, stateDir)
    if (loaded.digest === digest) return
    digest = loaded.digest
    onChange(loaded)
  }, lookEveryMs)
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  return first
}

/** Reads the policy, and keeps what could be read. */
export function loadPolicy(path: string, stateDir: string): LoadedPolicy {
  const loaded = readPolicy(path, stateDir)
  if (loaded.from === 'file') keep(keptIn(stateDir), loaded.policy)
  return loaded
}

/** The same without leaving a trace: for a look beside a living agent. */
export function readPolicy(path: string, stateDir: string): LoadedPolicy {
  const kept = keptIn(stateDir)
  let text: string
  try {
    // A pipe or a device in its place would hold this process for ever.
    if (!statSync(path).isFile()) return unreadable(kept, '')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { policy: defaultPolicy, from: 'defaults', digest: 'defaults' }
    return unreadable(kept, '')
  }
  const parsed = parsePolicy(text)
  if (!parsed) return unreadable(kept, text)
  return { policy: parsed, from: 'file', digest: sha256(text) }
}

function keptIn(stateDir: string): string {
  return join(stateDir, 'policy-kept.json')
}

function parsePolicy(text: string): Policy | null {
  try {
    return Policy.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/** Nobody comes in. Where no readable policy was ever seen, not a packet goes out either: the customer may have said so. */
function unreadable(kept: string, text: string): LoadedPolicy {
  return { policy: closedPolicy(lastConnectivity(kept)), from: 'unreadable', digest: `unreadable ${sha256(text)}` }
}

function lastConnectivity(kept: string): Policy['connectivity'] {
  try {
    return readJsonFileIfThere(kept, Policy)?.connectivity ?? 'off'
  } catch {
    return 'off'
  }
}

function keep(kept: string, policy: Policy): void {
  try {
    writeJsonFile(kept, policy)
  } catch {
    // A full disk must not close a policy that could be read; the next change tries again.
  }
}

function stampOf(path: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return 'none'
  }
}
