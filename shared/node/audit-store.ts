import { createHash, type KeyObject } from 'node:crypto'
import { closeSync, fdatasyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditEvent, type AuditLine } from '../audit.ts'
import { AppError, type ErrorDetails } from '../errors.ts'
import { type EventId, type LogId, newId } from '../ids.ts'
import type { CompactJws, Hash } from '../ticket.ts'
import { auditFiles, encodeLine, maxLineBytes, parseOpening, readHead, signHead } from './audit-line.ts'
import { accept, catchUp, emptyTail, leftoverBytes, readFromSeq, scanTail, type Tail } from './audit-tail.ts'
import { underLock } from './file-lock.ts'
import { syncFolder, writeAll } from './json-file.ts'
import { publicKeyFrom, type SigningKey, thumbprint } from './signing.ts'

/**
 * The file under an audit log: appends whole lines, keeps the signed head beside it, repairs what a crash left.
 *
 * Several processes may write; each write holds a lock and first reads what others added. The signed head of a new line is prepared before the line is
 * written (`log-head.next`) and takes effect after it is on the disk, so that after a crash every whole line has its head, and no head lacks its line.
 * A head that names more lines than there are therefore means that the tail was cut.
 */
export type Draft = { event: AuditEvent; private?: Record<string, string | number | boolean> }

export type AuditStore = {
  readonly logId: LogId
  readonly keepsPrivate: boolean
  lastSeq(): number
  /** Under the lock: reads what is new, repairs, then writes what `draft` returns, all or nothing. */
  write(draft: () => Draft[]): AuditLine[]
  /** Reads what other processes added, without the lock. */
  notice(): void
  lines(fromSeq: number): Generator<AuditLine, void, void>
  head(): CompactJws
  /** Lines that were written or noticed since the last call. */
  takeNews(): AuditLine[]
  close(): void
}

export type StoreOptions = { folder: string; key: SigningKey; party: string; keepsPrivate: boolean; now: () => number }

type State = StoreOptions & {
  publicKey: KeyObject
  paths: Record<keyof typeof auditFiles, string>
  file: number
  inode: number
  tail: Tail
  news: AuditLine[]
  /** A closed descriptor's number may soon be another file's. */
  closed: boolean
}

export function openAuditStore(options: StoreOptions): AuditStore {
  const state = guarded(() => openState(options))
  try {
    const { logId, keepsPrivate } = locked(state, () => start(state))
    // Nobody listens yet.
    state.news = []
    return {
      logId,
      keepsPrivate,
      lastSeq: () => state.tail.lastSeq,
      write: (draft) =>
        locked(state, () => {
          refresh(state, logId)
          return commit(state, logId, draft())
        }),
      notice: () =>
        guarded(() => {
          requireOpen(state)
          state.news.push(...catchUp(state.file, state.tail))
        }),
      lines: (fromSeq) => readWhileOpen(state, fromSeq),
      head: () => signTail(state, logId),
      takeNews: () => state.news.splice(0),
      close() {
        if (!state.closed) closeSync(state.file)
        state.closed = true
      },
    }
  } catch (error) {
    closeSync(state.file)
    throw error
  }
}

function openState(options: StoreOptions): State {
  const { folder } = options
  const { log, head, nextHead, lock } = auditFiles
  const paths = { log: join(folder, log), head: join(folder, head), nextHead: join(folder, nextHead), lock: join(folder, lock) }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = openSync(paths.log, 'a+', 0o600)
  try {
    syncFolder(folder)
    return {
      ...options,
      publicKey: publicKeyFrom(options.key.publicJwk),
      paths,
      file,
      inode: statSync(paths.log).ino,
      tail: emptyTail(),
      news: [],
      closed: false,
    }
  } catch (error) {
    closeSync(file)
    throw error
  }
}

/** Everything that goes wrong with the disk is one thing to the caller: there is no audit, so there is no act. */
function guarded<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AppError && error.code.startsWith('audit.')) throw error
    throw new AppError('audit.unavailable', { cause: error, details: { reason: error instanceof Error && 'code' in error ? String(error.code) : 'internal' } })
  }
}

function locked<T>(state: State, act: () => T): T {
  return guarded(() => {
    requireOpen(state)
    return underLock(state.paths.lock, act)
  })
}

function requireOpen({ closed }: State): void {
  if (closed) throw new AppError('audit.unavailable', { details: { reason: 'closed' } })
}

function* readWhileOpen(state: State, fromSeq: number): Generator<AuditLine, void, void> {
  const lines = readFromSeq(state.file, state.tail, fromSeq)
  for (;;) {
    requireOpen(state)
    const next = lines.next()
    if (next.done) return
    yield next.value
  }
}

function broken(what: string, details: ErrorDetails = {}, cause?: unknown): AppError {
  return new AppError('audit.broken', { details: { what, ...details }, cause })
}

/** First look at the log: makes it, or checks that its end is what the head says. */
function start(state: State): { logId: LogId; keepsPrivate: boolean } {
  state.tail = scan(state.file)
  const head = readHead(readText(state.paths.head), state.publicKey)
  if (state.tail.lastSeq === 0) {
    if (head) throw broken('cut-tail', { line: 1 })
    return create(state)
  }
  const opened = readOpening(state)
  const { lastSeq } = state.tail
  if (head && head.logId !== opened.logId) throw broken('head')
  if (head && head.seq > lastSeq) throw broken('cut-tail', { line: lastSeq + 1 })
  if (head && head.hash !== hashAt(state, head.seq)) throw broken('edited', { line: head.seq })
  const covered = isCovered(state, head)
  repairHalfLine(state, opened.logId)
  if (!covered) note(state, opened.logId, { what: 'head', lines: lastSeq - (head?.seq ?? 0) })
  return opened
}

function scan(file: number): Tail {
  try {
    return scanTail(file)
  } catch (error) {
    throw broken('edited', {}, error)
  }
}

function isCovered(state: State, head: ReturnType<typeof readHead>): boolean {
  const next = head?.seq === state.tail.lastSeq ? head : readHead(readText(state.paths.nextHead), state.publicKey)
  return next?.seq === state.tail.lastSeq && next.hash === state.tail.lastHash
}

function create(state: State): { logId: LogId; keepsPrivate: boolean } {
  const { party, keepsPrivate, key } = state
  const logId = newId<LogId>('log')
  const { x, y } = key.publicJwk
  repairedBytes(state)
  commit(state, logId, [{ event: logEvent(state, 'log.opened', { logId, party, keepsPrivate, x, y }) }])
  return { logId, keepsPrivate }
}

/** Line 1, which names the log and its key. */
function readOpening(state: State): { logId: LogId; keepsPrivate: boolean } {
  const line = lineAt(state, 1)
  const opening = line && parseOpening(line)
  if (!opening) throw broken('edited', { line: 1 })
  if (thumbprint(opening.publicJwk) !== thumbprint(state.key.publicJwk)) throw broken('key')
  return opening
}

/** The hash of a line near the end, read from the line behind it. */
function hashAt(state: State, seq: number): Hash | undefined {
  if (seq === state.tail.lastSeq) return state.tail.lastHash
  return lineAt(state, seq + 1)?.prev
}

function lineAt(state: State, seq: number): AuditLine | undefined {
  for (const line of readFromSeq(state.file, state.tail, seq)) return line
  return undefined
}

/** Under the lock: the file is still ours, and its end is known and whole. */
function refresh(state: State, logId: LogId): void {
  const { ino, size } = statSync(state.paths.log)
  if (ino !== state.inode) throw broken('replaced')
  if (size === state.tail.bytes) return
  if (size < state.tail.bytes) throw broken('cut-tail', { line: state.tail.lastSeq })
  try {
    state.news.push(...catchUp(state.file, state.tail))
  } catch (error) {
    throw broken('edited', { line: state.tail.lastSeq + 1 }, error)
  }
  repairHalfLine(state, logId)
}

function repairHalfLine(state: State, logId: LogId): void {
  const half = repairedBytes(state)
  if (half) note(state, logId, half)
}

/** Takes away a half line that a crash or a full disk left; what it was stays provable by its hash. */
function repairedBytes(state: State): { what: string; bytes: number; sha256: string } | null {
  const bytes = leftoverBytes(state.file, state.tail)
  if (bytes <= 0) return null
  const half = Buffer.alloc(Math.min(bytes, maxLineBytes))
  readSync(state.file, half, 0, half.length, state.tail.bytes)
  ftruncateSync(state.file, state.tail.bytes)
  return { what: 'half-line', bytes, sha256: createHash('sha256').update(half).digest('base64url') }
}

function note(state: State, logId: LogId, data: Record<string, string | number>): void {
  commit(state, logId, [{ event: logEvent(state, 'log.repaired', data) }])
}

function logEvent(state: State, kind: 'log.opened' | 'log.repaired', data: Record<string, string | number | boolean>): AuditEvent {
  return AuditEvent.parse({
    id: newId<EventId>('evt'),
    at: new Date(state.now()).toISOString(),
    kind,
    actor: { kind: 'unknown', name: state.party.slice(0, 80) },
    data,
  })
}

/** Writes lines behind the tail: head prepared, lines written, one flush, head put in force. When the disk fails, the file is as it was. */
function commit(state: State, logId: LogId, drafts: Draft[]): AuditLine[] {
  if (drafts.length === 0) return []
  const next: Tail = { ...state.tail, marks: [...state.tail.marks.slice(-1)] }
  const lines: AuditLine[] = []
  const chunks: Buffer[] = []
  for (const draft of drafts) {
    const line: AuditLine = { ...draft, prev: next.lastHash, seq: next.lastSeq + 1 }
    const bytes = encodeLine(line)
    if (bytes.length > maxLineBytes) throw new Error('the line is too long')
    accept(next, line, bytes.length)
    lines.push(line)
    chunks.push(bytes)
  }
  writeFileSync(state.paths.nextHead, signTail({ ...state, tail: next }, logId), { mode: 0o600 })
  try {
    writeAll(state.file, Buffer.concat(chunks))
    fdatasyncSync(state.file)
  } catch (error) {
    takeBack(state)
    throw error
  }
  for (const [index, line] of lines.entries()) accept(state.tail, line, chunks[index]?.length ?? 0)
  renameSync(state.paths.nextHead, state.paths.head)
  state.news.push(...lines)
  return lines
}

/** A line that may not be on the disk must not be there for others either. Where even that fails, the next writer meets a half line, or a whole one that chains. */
function takeBack({ file, tail }: State): void {
  try {
    ftruncateSync(file, tail.bytes)
  } catch {
    // The first failure is the one to tell.
  }
}

function signTail({ tail, key, now }: State, logId: LogId): CompactJws {
  return signHead({ version: 1, logId, seq: tail.lastSeq, hash: tail.lastHash, at: Math.floor(now() / 1000) }, key.privateKey)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
