import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
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
  await vi.waitFor(() => expect(count()).toBe(before + 1), 10_000)
}

export const firstCustomer = (seed: Seed) => seed.customers[0] as Seed['customers'][number]
