import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { AppError } from '@gantry/shared/errors.ts'
import { type AuditVerdict, collectHeads, verifyAuditFile } from '@gantry/shared/node/audit-verify.ts'
import type { Console } from '../console.ts'
import type { ExitCode } from '../exit-code.ts'
import { type Place, profileOf } from '../place.ts'
import { plain } from '../plain.ts'
import type { CommandContext } from '../program.ts'

export type CheckedStore = AuditVerdict & { path: string }

/**
 * Reads files alone: it needs no sign-in, no sandbox that runs, no network. Every store within reach lends its heads, its own and those it witnessed of others, also
 * when only one file is asked about: that is how a tail cut together with its head shows.
 */
export async function auditVerify({ place, console, args }: CommandContext): Promise<ExitCode> {
  const wanted = args[0] === undefined ? findReachable(place) : findNamed(args[0])
  const reachable = args[0] === undefined ? wanted : findReachable(place)
  if (wanted.length === 0) throw new AppError('file.not-found', { details: { path: `audit.jsonl (${plain(args[0] ?? place.folder)})` } })
  const stores = await checkStores(wanted, [...new Set([...wanted, ...reachable])])
  const broken = stores.find(({ ok }) => !ok)
  if (!console.json || broken) for (const store of stores) tell(store, console)
  if (!broken) {
    console.answer({ stores }, () => '')
    return 0
  }
  const { path, fault } = broken
  const failure = new AppError('audit.broken', { details: { path, what: fault?.what ?? 'unreadable', ...(fault?.line != null && { line: fault.line }) } })
  return console.fail(failure)
}

/** Heads first, then the logs: what is written in between makes a log longer than its heads say, which is no fault. */
export async function checkStores(paths: string[], reachable: string[]): Promise<CheckedStore[]> {
  const knownHeads = await collectHeads(reachable)
  const stores: CheckedStore[] = []
  for (const path of paths) stores.push({ path, ...(await verifyAuditFile(path, { knownHeads })) })
  return stores
}

function tell({ path, ok, events, fault }: CheckedStore, { io, json, words, say }: Console): void {
  if (ok && !json) io.stdout.write(`${words.audit.good(plain(path), events)}\n`)
  if (ok) return
  const line = words.audit.bad(plain(path), fault?.line ?? null, words.audit.faults[fault?.what ?? 'unreadable'] ?? fault?.what ?? '')
  if (json) say(line)
  else io.stdout.write(`${line}\n`)
}

function findNamed(typed: string): string[] {
  const path = resolve(typed)
  if (!existsSync(path)) throw new AppError('file.not-found', { details: { path: plain(typed) } })
  return statSync(path).isDirectory() ? findLogs(path) : [path]
}

/** In the sandbox every party's, since one account runs them all; else this workstation's own. */
function findReachable(place: Place): string[] {
  const folders = new Set([place.folder, ...(place.kind === 'profile' ? [] : [profileOf(place) ?? place.folder])])
  return [...new Set([...folders].flatMap((folder) => (existsSync(folder) ? findLogs(resolve(folder)) : [])))]
}

const maxDepth = 6

/** Links are not followed, and a device's own files are no store of anybody: who is let in there may write what they like under any name. */
function findLogs(folder: string, depth = 0): string[] {
  if (depth > maxDepth || /[/\\]devices[/\\][^/\\]+[/\\]files$/.test(folder)) return []
  return readFolder(folder).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return findLogs(path, depth + 1)
    return entry.isFile() && entry.name === 'audit.jsonl' ? [path] : []
  })
}

function readFolder(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return []
  }
}
