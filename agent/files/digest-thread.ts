import { createHash, type Hash } from 'node:crypto'
import { readlinkSync, readSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'

/**
 * A thread that reads and digests files by descriptor. SHA-256 without the processor's help takes five times as long as moving a file does; on the agent's
 * own thread, or beside it with the same right to the processor, it would slow every transfer and delay keystrokes. So it runs when nobody else wants to.
 * What it reads was just read or written, so it comes from the page cache.
 *
 *   { id, fd, upTo }         read on to that octet
 *   { id, fd, upTo, end }    then answer { id, sha256 }, or { id, sha256: null } when the file ended earlier or could not be read
 *   { id, fd, drop }         leave it where it is, answer { id, sha256: null }, and touch the descriptor no more
 */
export type DigestOrder = { id: number; fd: number; upTo: number; end: boolean; drop: boolean }
export type DigestAnswer = { id: number; sha256: string | null }
type Job = { hasher: Hash; position: number; upTo: number; failed: boolean; end: boolean; fd: number }

const blockBytes = 1_048_576
/** One file does not keep the others waiting. */
const blocksPerTurn = 8

/** Linux counts threads as processes here (setpriority(2)), and this names the calling one (proc(5)). */
function stepBack(): void {
  try {
    setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), constants.priority.PRIORITY_LOW)
  } catch {
    // Elsewhere it runs like the others.
  }
}

stepBack()
const block = Buffer.allocUnsafeSlow(blockBytes)
const jobs = new Map<number, Job>()
let running = false

parentPort?.on('message', ({ id, fd, upTo, end, drop }: DigestOrder) => {
  const job = jobs.get(id) ?? { hasher: createHash('sha256'), position: 0, upTo: 0, failed: false, end: false, fd }
  job.upTo = Math.max(job.upTo, upTo)
  job.end ||= end
  job.failed ||= drop
  jobs.set(id, job)
  if (!running) turn()
})

function turn(): void {
  running = false
  for (const [id, job] of jobs) {
    if (!job.failed) readOn(job)
    const isDone = job.failed || job.position >= job.upTo
    if (!isDone) running = true
    else if (job.end) {
      jobs.delete(id)
      parentPort?.postMessage({ id, sha256: job.failed ? null : job.hasher.digest('base64url') } satisfies DigestAnswer)
    }
  }
  if (running) setImmediate(turn)
}

function readOn(job: Job): void {
  try {
    for (let blocks = 0; blocks < blocksPerTurn && job.position < job.upTo; blocks += 1) {
      const count = readSync(job.fd, block, 0, Math.min(blockBytes, job.upTo - job.position), job.position)
      if (count === 0) throw new Error('the file ended earlier')
      job.hasher.update(block.subarray(0, count))
      job.position += count
    }
  } catch {
    job.failed = true
  }
}
