import { asking, devices, nowMs, practice, session } from './fixtures.ts'
import type { Script } from './open-window.ts'
import { busy, type Scenes, type Stage } from './scenes.ts'

const rehearsing: Script = {
  ...busy,
  'device.list': () => ({ devices: [practice, ...devices], atMs: nowMs, offline: false }),
  'request.list': () => ({ requests: [] }),
}
const rehearsed = { ...session, device: { id: practice.id, name: practice.name, site: practice.site.name }, requestId: asking.requestId }
const begin = async ({ page, words }: Stage) => {
  await page.getByRole('button', { name: words.rehearsal.begin, exact: true }).click()
}
export const rehearsalScenes: Scenes = {
  rehearsal: { script: rehearsing, shows: ({ rehearsal: text }) => text.offer },
  'rehearsal-ask': { script: rehearsing, isState: true, act: begin, shows: ({ rehearsal: text }) => text.now.ask },
  'rehearsal-session': {
    script: { ...rehearsing, 'session.list': () => ({ sessions: [rehearsed] }) },
    act: async (stage) => {
      await begin(stage)
      await stage.page.locator('.term .xterm-rows').first().waitFor()
    },
    shows: ({ rehearsal: text }) => text.now.command,
  },
  'rehearsal-stopped': {
    script: { ...rehearsing, 'session.list': () => ({ sessions: [rehearsed] }) },
    isState: true,
    act: async (stage) => {
      await begin(stage)
      stage.tell('session.changed', { ...rehearsed, state: 'ended', endedMs: nowMs, endCause: 'person' })
    },
    shows: ({ rehearsal: text }) => text.stopped.ended,
  },
}
