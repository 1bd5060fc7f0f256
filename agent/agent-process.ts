import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startAgent } from './app.ts'
import type { Config } from './config.ts'
import { After, heartbeatEveryMs } from './supervisor/judge.ts'

/** Ready is told after this at the latest, also where the main server is away: the device works on its own. ms */
const readyWithinMs = 3_000

/** A supervisor that dies takes the agent along: there is nobody left to restart it, and nothing may stay behind. */
export async function runAgent(config: Config, signal: AbortSignal, ready: (facts: Record<string, unknown>) => void): Promise<void> {
  const stop = new AbortController()
  process.once('disconnect', () => stop.abort())
  signal.addEventListener('abort', () => stop.abort(), { once: true })
  const beat = setInterval(() => process.connected && process.send?.('alive'), heartbeatEveryMs)
  const agent = await startAgent(config, { after: readAfter() })
  await Promise.race([agent.polled, sleep(readyWithinMs), aborted(stop.signal)])
  const deviceId = agent.deviceId()
  ready({ deviceId, enrolled: deviceId !== null, agentPid: process.pid })
  await aborted(stop.signal)
  clearInterval(beat)
  await agent.stop()
}

/** What happened before this start; a start by hand has none. */
function readAfter(): After | null {
  const { values } = parseArgs({ options: { after: { type: 'string' } }, strict: false })
  return typeof values.after === 'string' ? After.parse(JSON.parse(values.after)) : null
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
