import { readFileSync } from 'node:fs'

export type ServiceState = { state: 'running' | 'stopped' | 'restarting'; since: string; restarts: number; pid: number; model: string; version: string }

export function readServiceState(file: string): ServiceState | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ServiceState
  } catch {
    return null
  }
}

/** A restart is counted when there was a run before this one. */
export function startedState(file: string, { model, version, pid }: Pick<ServiceState, 'model' | 'version' | 'pid'>, now: Date): ServiceState {
  const before = readServiceState(file)
  return { state: 'running', since: now.toISOString(), restarts: before ? before.restarts + 1 : 0, pid, model, version }
}

/** Every name and number is made up and marked SYNTHETIC. */
const examinations = [
  'INFO examination started patient="SYNTHETIC, TEST-ONE" mrn=SYN-000117 accession=SYN-A-4471 protocol="abdomen portal"',
  'INFO injection finished mrn=SYN-000117 contrast_ml=82 saline_ml=40 rate_ml_s=3.5 pressure_peak_kpa=812',
  'INFO examination started patient="SYNTHETIC, TEST-TWO" mrn=SYN-000232 accession=SYN-A-4472 protocol="head angio"',
  'INFO injection finished mrn=SYN-000232 contrast_ml=64 saline_ml=30 rate_ml_s=4.0 pressure_peak_kpa=930',
]
const technical = [
  'INFO self test passed in 412 ms',
  'INFO syringe heater 37.0 C, target 37.0 C',
  'WARN console answers slowly: 640 MB of 1024 MB in use',
  'INFO pressure sensor A zero offset 0.3 kPa',
  'ERROR E-214 air detector calibration older than 90 days',
  'INFO network time offset 12 ms',
  'WARN disk 81 % full',
]

/** What it logs first, then one line after the other, round and round. */
export function logLines(model: string, restarts: number): { first: string[]; next: () => string } {
  const all = technical.flatMap((line, index) => [line, ...(examinations[index] ? [examinations[index]] : [])])
  let position = 0
  const next = () => all[position++ % all.length] ?? ''
  return { first: [`INFO service started model=${model} restarts=${restarts}`, ...all], next }
}
