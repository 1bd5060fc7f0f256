import type { Target } from './cdp.ts'
import type { FromPage, ToPage } from './page/messages.ts'
import { bindingName, preloadWorldName } from './page-scripts.ts'

/** Messages to and from the preload's world of each frame of a page. */
export type PageLink = {
  /** Nothing is kept for a frame whose preload does not run: it is dropped, as in Electron. */
  post(frameId: string, message: ToPage): void
}
type World = { frameId: string; uniqueId: string; isOpen: boolean }
export type Reply = (message: ToPage) => void

export async function openPageLink(
  target: Target,
  scripts: { mainWorld: string; preloadWorld: string },
  take: (message: FromPage, frameId: string, reply: Reply) => void,
): Promise<PageLink> {
  const worlds = new Map<number, World>()
  const send = (world: World, message: ToPage) =>
    void target
      .send('Runtime.callFunctionOn', {
        functionDeclaration: 'function (text) { standInReceive(text) }',
        uniqueContextId: world.uniqueId,
        arguments: [{ value: JSON.stringify(message) }],
        silent: true,
      })
      // The page has gone on to another document in the meantime.
      .catch(() => undefined)
  target.on('Runtime.executionContextCreated', ({ context: { id, uniqueId, name, auxData } }) => {
    if (name === preloadWorldName) worlds.set(id, { frameId: (auxData as { frameId: string }).frameId, uniqueId, isOpen: false })
  })
  target.on('Runtime.executionContextDestroyed', ({ executionContextId }) => void worlds.delete(executionContextId))
  target.on('Runtime.executionContextsCleared', () => worlds.clear())
  target.on('Runtime.bindingCalled', ({ name, payload, executionContextId }) => {
    const world = worlds.get(executionContextId)
    if (name !== bindingName || !world) return
    const message = JSON.parse(payload) as FromPage
    if (message.kind === 'hello') world.isOpen = true
    else take(message, world.frameId, (answer) => send(world, answer))
  })
  await Promise.all([
    target.send('Runtime.enable'),
    target.send('Runtime.addBinding', { name: bindingName, executionContextName: preloadWorldName }),
    target.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.mainWorld }),
    target.send('Page.addScriptToEvaluateOnNewDocument', { source: scripts.preloadWorld, worldName: preloadWorldName }),
  ])
  return {
    post(frameId, message) {
      for (const world of worlds.values()) if (world.frameId === frameId && world.isOpen) send(world, message)
    },
  }
}
