import type { WebFrameMain } from 'electron'
import { fromWire } from './schemes.ts'
import { type Members, strictEmitter } from './strict.ts'

/** The frames of one page, as Chromium tells them: who speaks is the frame that really spoke. */
export type Frames = {
  main: WebFrameMain
  mainId: string
  get(frameId: string): WebFrameMain | null
  attached(frameId: string, parentId: string): void
  navigated(frameId: string, url: string): void
  detached(frameId: string): void
}
type Entry = { url: string; parentId: string | null; isDetached: boolean; frame: WebFrameMain }
let lastTreeNodeId = 0

export function createFrames(mainId: string): Frames {
  const entries = new Map<string, Entry>()
  const get = (frameId: string | null) => (frameId === null ? null : (entries.get(frameId)?.frame ?? null))
  const add = (frameId: string, parentId: string | null) => {
    const treeNodeId = ++lastTreeNodeId
    const entry: Entry = { url: '', parentId, isDetached: false, frame: null as unknown as WebFrameMain }
    const members = {
      get url() {
        return fromWire(entry.url)
      },
      get origin() {
        const url = URL.parse(fromWire(entry.url))
        return url?.host ? `${url.protocol}//${url.host}` : 'null'
      },
      get parent() {
        return get(parentId)
      },
      get top() {
        return get(mainId)
      },
      get detached() {
        return entry.isDetached
      },
      get frames() {
        return [...entries.values()].filter((one) => one.parentId === frameId).map(({ frame }) => frame)
      },
      frameTreeNodeId: treeNodeId,
    } satisfies Members<WebFrameMain>
    entry.frame = strictEmitter('frame', { emits: [] }, members) as unknown as WebFrameMain
    entries.set(frameId, entry)
    return entry
  }
  const { frame: main } = add(mainId, null)
  return {
    main,
    mainId,
    get,
    attached: (frameId, parentId) => void add(frameId, parentId),
    navigated(frameId, url) {
      const entry = entries.get(frameId)
      if (entry) entry.url = url
    },
    detached(frameId) {
      const entry = entries.get(frameId)
      if (entry) entry.isDetached = true
      entries.delete(frameId)
    },
  }
}
