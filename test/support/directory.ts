import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Seed } from '../../cloud/main-server/seed.ts'
import type { TestServer } from './main-server.ts'

export type AuditedEvent = { kind: string; requestId?: string; actor?: { kind: string }; data?: Record<string, unknown> }

/** What the main server has written down so far. */
export function eventsOf({ stateDir }: Pick<TestServer, 'stateDir'>): AuditedEvent[] {
  const lines = readFileSync(join(stateDir, 'audit.jsonl'), 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line).event)
}

/** Writes the directory file anew, and waits until the server has taken it over. */
export async function changeDirectory(server: TestServer, edit: (seed: Seed) => void): Promise<void> {
  const count = () => eventsOf(server).filter(({ kind }) => kind === 'directory.changed').length
  const before = count()
  server.changeSeed(edit)
  for (const end = performance.now() + 10_000; count() === before; await sleep(20)) {
    if (performance.now() > end) throw new Error('the directory was not taken over')
  }
}

export const firstCustomer = (seed: Seed) => seed.customers[0] as Seed['customers'][number]
