import { AppError } from '@gantry/shared/errors.ts'
import { type PanelInput, PanelScreen, type PanelState } from '@gantry/shared/panel.ts'
import type { SandboxDevice } from './hospital.ts'

/** What one device's front panel shows now, for those who look at it: pages and the panel command. */
export type PanelView = {
  device: SandboxDevice
  state(): PanelState
  /** Recent terminal output, oldest first: what a page that is opened in mid-session starts with. */
  recent(): PanelScreen[]
  /** A line from the panel process. */
  show(line: unknown): void
  /** Something a person pressed. */
  input(input: PanelInput): void
  subscribe(listener: (screen: PanelScreen) => void): () => void
}
export type PanelDesk = { views: PanelView[]; find(idOrName: string): PanelView }

const maxRecentCharacters = 350_000

export function createPanelDesk(devices: SandboxDevice[], send: (device: SandboxDevice, input: PanelInput) => void): PanelDesk {
  const views = devices.map((device) => createPanelView(device, (input) => send(device, input)))
  return {
    views,
    find(idOrName) {
      const wanted = idOrName.trim().toLowerCase()
      const view = views.find(({ device }) => device.id === wanted || device.name.toLowerCase() === wanted || String(device.number) === wanted)
      if (!view) throw new AppError('panel.unknown-device', { details: { device: idOrName.slice(0, 80) } })
      return view
    },
  }
}

export function createPanelView(device: SandboxDevice, send: (input: PanelInput) => void): PanelView {
  const listeners = new Set<(screen: PanelScreen) => void>()
  let state: PanelState = {
    device: null,
    agent: 'absent',
    separated: false,
    network: 'open',
    clockOffSeconds: 0,
    connectivity: 'waiting',
    policy: null,
    waiting: [],
    sessions: [],
    last: null,
    check: null,
  }
  let recent: PanelScreen[] = []
  let recentCharacters = 0
  return {
    device,
    state: () => state,
    recent: () => recent,
    show(line) {
      const parsed = PanelScreen.safeParse(line)
      if (!parsed.success) return
      const screen = parsed.data
      if (screen.type === 'state') {
        state = screen.state
        if (state.sessions.length === 0) [recent, recentCharacters] = [[], 0]
      } else {
        recent.push(screen)
        recentCharacters += screen.data.length
        while (recentCharacters > maxRecentCharacters) {
          const oldest = recent.shift()
          recentCharacters -= oldest?.type === 'output' ? oldest.data.length : 0
        }
      }
      for (const listener of listeners) listener(screen)
    },
    input: send,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
