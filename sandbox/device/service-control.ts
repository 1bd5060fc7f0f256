import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readServiceState, type ServiceState } from './service-state.ts'

/**
 * `service-control status|restart --state FOLDER [REASON]`: what the agent runs on this sample device. One JSON line on stdout, exit code 0 when it worked.
 *   status   {"state","since","restarts","version"}
 *   restart  {"restartedAt","downMs"}
 */
const giveUpMs = 20_000

const { values, positionals } = parseArgs({ options: { state: { type: 'string' } }, allowPositionals: true })
const file = join(values.state ?? '.', 'service.json')
const [verb] = positionals
if (verb === 'status') tell(status())
else if (verb === 'restart') tell(await restart())
else fail('usage: service-control status|restart --state FOLDER [REASON]')

function status(): Pick<ServiceState, 'state' | 'restarts' | 'version'> & { since: string | null } {
  const known = readServiceState(file)
  if (!known) return { state: 'stopped', since: null, restarts: 0, version: 'unknown' }
  const { state, since, restarts, version } = known
  return { state: state === 'running' && !isAlive(known.pid) ? 'stopped' : state, since, restarts, version }
}

async function restart(): Promise<{ restartedAt: string; downMs: number }> {
  const before = readServiceState(file)
  const startMs = Date.now()
  if (before && isAlive(before.pid)) process.kill(before.pid, 'SIGHUP')
  while (Date.now() - startMs < giveUpMs) {
    const now = readServiceState(file)
    if (now?.state === 'running' && now.restarts !== before?.restarts && isAlive(now.pid)) return { restartedAt: now.since, downMs: Date.now() - startMs }
    await sleep(20)
  }
  return fail('the service did not come back')
}

function isAlive(pid: number): boolean {
  if (pid < 1) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function tell(value: unknown): void {
  console.log(JSON.stringify(value))
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}
