import { appendFileSync, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { logLines, type ServiceState, startedState } from './service-state.ts'

/**
 * The sample device's own service: stands in for the software of an injector. It writes a log, in which the lines about examinations hold synthetic
 * patient data, so that it can be seen that those never leave the device with the diagnostics.
 * SIGHUP asks it to restart: it ends with `restartCode`, and whoever started it (here the sandbox) starts it again.
 */
const restartCode = 75
const everyMs = 5_000
const maxLogBytes = 2_000_000

const { values } = parseArgs({
  options: { state: { type: 'string' }, model: { type: 'string', default: 'device' }, version: { type: 'string', default: '0' } },
})
if (!values.state) throw new Error('service: --state FOLDER is missing')
const folder = values.state
const logFile = join(folder, 'service.log')
const stateFile = join(folder, 'service.json')
mkdirSync(folder, { recursive: true })

const state = startedState(stateFile, { model: values.model, version: values.version, pid: process.pid }, new Date())
const lines = logLines(values.model, state.restarts)

function log(line: string): void {
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(logFile, `${logFile}.1`)
  appendFileSync(logFile, `${new Date().toISOString()} ${line}\n`, { mode: 0o640 })
}

function save(change: Partial<ServiceState>): void {
  const temporary = `${stateFile}.new`
  writeFileSync(temporary, `${JSON.stringify({ ...state, ...change })}\n`, { mode: 0o640 })
  renameSync(temporary, stateFile)
}

function end(code: number, reason: ServiceState['state']): void {
  log(`INFO service ${reason}`)
  save({ state: reason, since: new Date().toISOString(), pid: 0 })
  process.exit(code)
}

process.on('SIGHUP', () => end(restartCode, 'restarting'))
process.on('SIGTERM', () => end(0, 'stopped'))
process.on('SIGINT', () => undefined)
process.stdin.once('end', () => end(0, 'stopped')).once('error', () => end(0, 'stopped'))
process.stdin.resume()

for (const line of lines.first) log(line)
save({})
console.log(JSON.stringify({ ready: true, pid: process.pid }))
setInterval(() => log(lines.next()), everyMs)
