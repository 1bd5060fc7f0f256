import type { DeviceRow } from '@gantry/shared/client-api.ts'
import { useWindowState } from '../state.ts'
import { useSpeech } from '../ui/language.tsx'
import { useStore } from '../ui/store.ts'
import { practiceDevice, type RehearsalView, viewOf } from './rehearsal-step.ts'

/** What fills the request's form. Each day is a case of its own, so that one that was closed stands in nobody's way. */
export function formWords(reason: string, nowMs: number): { reason: string; caseId: string } {
  return { reason, caseId: `REHEARSAL-${new Date(nowMs).toISOString().slice(0, 10)}` }
}

export type UsedRehearsal = {
  /** Null: none is assigned, so nothing is offered. */
  device: DeviceRow | null
  /** Null while none goes on. */
  view: RehearsalView | null
  begin(): void
  ask(): void
}

export function useRehearsal(): UsedRehearsal {
  const { words } = useSpeech()
  const state = useWindowState()
  const running = useStore(state.rehearsal.store)
  const { devices } = useStore(state.devices.store)
  const facts = {
    requests: useStore(state.requests.store),
    sessions: useStore(state.sessions.store),
    transfers: useStore(state.transfers.store),
    commands: useStore(state.terminals.commands),
  }
  const device = devices.find(({ id }) => id === running?.deviceId) ?? practiceDevice(devices)
  const filled = () => formWords(words.rehearsal.reason, Date.now())
  return {
    device,
    view: running && viewOf(running, facts),
    begin: () => device && state.rehearsal.begin(device, filled()),
    ask: () => device && state.rehearsal.ask(device, filled()),
  }
}
