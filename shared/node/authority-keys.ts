import { AuthorityKeyPayload, type AuthorityKeys, maxAuthorityStatements } from '../authority-keys.ts'
import { CompactJws, type PublicJwk } from '../ticket.ts'
import { readUnverified, thumbprint, verifyJws } from './signing.ts'

/** Follows, in their order, those statements that the newest known key has signed and that are news; anything else changes nothing. Returns those with what is known after them. */
export async function followAuthority(
  known: AuthorityKeys,
  statements: readonly CompactJws[],
): Promise<{ known: AuthorityKeys; followed: readonly CompactJws[] }> {
  const followed: CompactJws[] = []
  for (const jws of statements.slice(0, maxAuthorityStatements)) {
    const expected = { type: 'authority-key', schema: AuthorityKeyPayload, key: known.keys[0].key, failure: 'access.signature-bad' } as const
    const said = await verifyJws(jws, expected).catch(() => null)
    const after = said && afterStatement(known, said)
    if (!after) continue
    known = after
    followed.push(jws)
  }
  return { known, followed }
}

/** Null for what may not be: an old number, a key other than the pinned one, a way back. */
function afterStatement({ keys, number, next }: AuthorityKeys, said: AuthorityKeyPayload): AuthorityKeys | null {
  const [newest, ...older] = keys
  const mark = thumbprint(said.key)
  if (thumbprint(said.by) !== thumbprint(newest.key)) return null
  // Whoever stole the newest key could say the highest number there is; the key that was pinned follows all the same.
  if (said.number <= number && next !== mark) return null
  const endsBy = (until: number) => Math.min(until, said.until ?? until)
  if (mark === thumbprint(newest.key)) {
    if (next !== null && said.next !== next) return null
    return { keys: [newest, ...older.map(({ key, until }) => ({ key, until: endsBy(until) }))], number: said.number, next: said.next }
  }
  const isPinned = next === null || next === mark
  if (!isPinned || said.until === null || said.next !== null || older.some(({ key }) => thumbprint(key) === mark)) return null
  const before = [{ key: newest.key, until: said.until }, ...older.map(({ key, until }) => ({ key, until: endsBy(until) }))]
  return { keys: [{ key: said.key, until: null }, ...before], number: said.number, next: null }
}

/** What it says, for whoever hands it on: only a key that was pinned makes it true. Null for what is no such statement. */
function readAuthorityStatement(jws: CompactJws): AuthorityKeyPayload | null {
  try {
    return readUnverified(jws, AuthorityKeyPayload, 'access.signature-bad')
  } catch {
    return null
  }
}

/** As they are carried: one a line. Lines that are no such statement are left out. */
export function splitAuthorityStatements(text: string): CompactJws[] {
  // Every statement begins with its header's `{"`; asking a schema of each line would keep a long file of nothing busy for seconds.
  const candidates = text.split('\n').flatMap((line) => (line.trimStart().startsWith('eyJ') ? [line.trim()] : []))
  const lines = candidates.map((line) => CompactJws.safeParse(line))
  return lines.flatMap(({ data }) => (data && readAuthorityStatement(data) ? [data] : [])).slice(-maxAuthorityStatements)
}

/** Those that somebody whose newest key has this thumbprint can follow and has not heard. */
export function statementsFor(statements: readonly CompactJws[], known: { key: string; number: number }): CompactJws[] {
  const first = statements.findIndex((jws) => {
    const said = readAuthorityStatement(jws)
    return said !== null && thumbprint(said.by) === known.key && (said.number > known.number || thumbprint(said.key) !== known.key)
  })
  return first === -1 ? [] : statements.slice(first)
}

/** Every key that is named, the oldest first. */
export function namedAuthorityKeys(statements: readonly CompactJws[]): PublicJwk[] {
  return statements.flatMap((jws) => {
    const said = readAuthorityStatement(jws)
    return said ? [said.by, said.key] : []
  })
}
