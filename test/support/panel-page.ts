import { join } from 'node:path'
import { readPageFiles } from '@gantry/shared/node/page-files.ts'
import type { PanelInput, PanelState } from '@gantry/shared/panel.ts'
import { devicesWithAgent, readHospital } from '../../sandbox/hospital.ts'
import { createPanelDesk, type PanelView } from '../../sandbox/panel-desk.ts'
import { openPanelPages } from '../../sandbox/panel-pages.ts'
import { choosePort } from '../../sandbox/ports.ts'

/** The built page of a front panel, as the sandbox serves it; what it shows is told by hand. */
export type PanelPage = {
  view: PanelView
  /** A new one for each visit. */
  link(): string
  pressed: PanelInput[]
  show(change: Partial<PanelState>): void
  close(): Promise<void>
}

export async function openPanelPage(): Promise<PanelPage> {
  const pressed: PanelInput[] = []
  const { hospital, models } = readHospital()
  const desk = createPanelDesk(devicesWithAgent(hospital, models).slice(0, 1), (_device, input) => pressed.push(input))
  const files = await readPageFiles(join(import.meta.dirname, '../../out/panel'))
  const pages = await openPanelPages(desk, { port: await choosePort(undefined, new Set()), files })
  const view = desk.views[0] as PanelView
  const quiet: PanelState = {
    device: { id: view.device.id, name: 'CT Suite 3', model: 'NV-520 Dual', customer: 'Rivière-aux-Pins', site: 'Pavillon C' },
    agent: 'connected',
    separated: true,
    network: 'none',
    clockOffSeconds: 0,
    connectivity: 'ok',
    policy: null,
    waiting: [],
    sessions: [],
    last: null,
    check: null,
  }
  return {
    view,
    pressed,
    link: () => pages.link(view),
    show: (change) => view.show({ type: 'state', state: { ...quiet, ...change } }),
    close: pages.close,
  }
}
