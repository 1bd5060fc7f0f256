import { renameSync } from 'node:fs'
import { basename } from 'node:path'
import { readJsonFileIfThere, writeJsonFile } from '@gantry/shared/node/json-file.ts'
import type { z } from 'zod'

/** One small piece of the agent's state: in memory for reading, on disk before `save` returns (fsync), so that what follows may rest on it. */
export type StateFile<T> = {
  readonly value: T
  /** Throws what the disk says (full, read-only); the value in memory then stays as it was. */
  save(next: T): void
}

export type StateFileOptions<T> = {
  path: string
  schema: z.ZodType<T>
  /** What a device that never stored anything starts with. */
  initial: () => T
  /** What it starts with after the file was lost: by default as if new. */
  afterLoss?: () => T
  /** True where a missing file is a loss too. */
  expected?: boolean
  onLost: (what: string) => void
}

/** An unreadable file is moved aside, never overwritten unseen, and reported: `<name>.unreadable` keeps the newest of them. */
export function openStateFile<T>({ path, schema, initial, afterLoss = initial, expected = false, onLost }: StateFileOptions<T>): StateFile<T> {
  let value: T | null = null
  let lost = false
  try {
    value = readJsonFileIfThere(path, schema)
    lost = value === null && expected
  } catch {
    renameSync(path, `${path}.unreadable`)
    lost = true
  }
  if (lost) onLost(basename(path))
  return keep(path, value ?? store(path, lost ? afterLoss() : initial()))
}

/** A full disk is no reason not to start: the first `save` that matters will say so. */
function store<T>(path: string, value: T): T {
  try {
    writeJsonFile(path, value)
  } catch {
    return value
  }
  return value
}

function keep<T>(path: string, first: T): StateFile<T> {
  let value = first
  return {
    get value() {
      return value
    },
    save(next) {
      writeJsonFile(path, next)
      value = next
    },
  }
}

/** The same without a disk, for what needs no memory across a restart. */
export function memoryState<T>(initial: T): StateFile<T> {
  let value = initial
  return {
    get value() {
      return value
    },
    save(next) {
      value = next
    },
  }
}

export type TwinOptions<T> = { path: string; schema: z.ZodType<T>; onLost: (what: string) => void }

/**
 * What could never be had again, such as the device's keys, is kept twice: `<name>` and `<name>.copy`. One bad copy is restored from the other.
 * Returns null when neither is there; throws `state.unreadable {what}` when one is there and neither can be read: nothing is guessed, nothing overwritten.
 */
export function readTwin<T>({ path, schema, onLost }: TwinOptions<T>): T | null {
  const first = readSide(path, schema)
  const copy = readSide(`${path}.copy`, schema)
  const value = first.value ?? copy.value
  if (value === null) {
    if (first.error ?? copy.error) throw first.error ?? copy.error
    return null
  }
  if (first.value === null || copy.value === null) {
    for (const side of [first, copy]) if (side.error) renameSync(side.path, `${side.path}.unreadable`)
    onLost(basename(first.value === null ? path : `${path}.copy`))
    restoreTwin(path, value)
  }
  return value
}

/** A full disk is no reason not to start with the one that is good. */
function restoreTwin<T>(path: string, value: T): void {
  try {
    writeTwin(path, value)
  } catch {
    // The next start tries again.
  }
}

export function writeTwin<T>(path: string, value: T): void {
  writeJsonFile(`${path}.copy`, value)
  writeJsonFile(path, value)
}

function readSide<T>(path: string, schema: z.ZodType<T>): { path: string; value: T | null; error: unknown } {
  try {
    return { path, value: readJsonFileIfThere(path, schema), error: null }
  } catch (error) {
    return { path, value: null, error }
  }
}
