import type { FileHandle } from 'node:fs/promises'
import { AppError, type ErrorCode } from '@gantry/shared/errors.ts'
import type { RunningCheck } from '@gantry/shared/node/running-check.ts'

/** By what a file is known as the one that a transfer began with: octets, and ms since 1970 without their fractions. */
export type FileVersion = { size: number; modifiedMs: number }

/** What is kept of one file's way, beyond this start of the app. */
export type FileMemory = {
  /** The file that an earlier start began to move; null where none did. */
  version: FileVersion | null
  begun(version: FileVersion): void
  /** True while the app goes: what has arrived stays where it is, for the next start. */
  keepsParts(): boolean
}

/** What is kept of a whole transfer; `at` as in its plan. */
export type TransferMemory = { isDone(at: readonly string[]): boolean; done(at: readonly string[]): void; of(at: readonly string[]): FileMemory }

const blockBytes = 524_288

/** The first `end` octets of a file that is here, into its check. Errors: `file.changed` where there are fewer. */
export async function goOver(file: FileHandle, check: RunningCheck, end: number, signal: AbortSignal): Promise<void> {
  const block = Buffer.allocUnsafe(blockBytes)
  while (check.position < end) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, end - check.position), check.position)
    if (bytesRead === 0) throw new AppError('file.changed')
    check.add(block.subarray(0, bytesRead), check.position)
  }
}

/** The part is gone or another's, the device's rules let nobody read it, or its agent is older than the call: then all of it moves again, and nothing is lost but time. */
const anew: ReadonlySet<ErrorCode> = new Set([
  'contract.unknown-name',
  'contract.bad-input',
  'file.not-found',
  'file.not-a-file',
  'file.digest-differs',
  'file.denied',
  'file.direction-closed',
  'file.name-not-allowed',
])

export function beginAnew(error: unknown): null {
  if (error instanceof AppError && anew.has(error.code)) return null
  throw error
}
